// The section of what the server pulls from elsewhere, for who may call the API: a list to be watched, with a form to add to it.
import { call, failed, refused } from "./call.js";
import { clock, dayOf } from "./clock.js";
import { element } from "./element.js";

const refreshed = 2000; // ms
const vhost = "__defaultVhost__";

export class Pulls {
  #section; // a details element
  #form;
  #list;
  #on; // headers says what calls need, changed is called when there may be another stream
  #allowed = false;
  #entries = new Map(); // by key
  #asking = false;

  constructor(section, on) {
    this.#section = section;
    this.#form = section.querySelector("form");
    this.#list = section.querySelector("ul");
    this.#on = on;
    section.ontoggle = () => this.#refresh();
    this.#form.onsubmit = (event) => {
      event.preventDefault();
      this.#add();
    };
    this.#form.url.oninput = () => { this.#form.stream.placeholder = nameIn(this.#form.url.value); };
    setInterval(() => this.#refresh(), refreshed);
  }

  // allow says whether the visitor may call the API.
  allow(allowed) {
    if (this.#allowed === allowed) return;
    this.#allowed = allowed;
    this.#section.hidden = !allowed;
    this.#show([]);
    this.#form.reset();
    this.#say("");
    this.#refresh();
  }

  // refresh asks what there is, while somebody looks.
  async #refresh() {
    if (!this.#allowed || !this.#section.open || document.hidden || this.#asking) return;
    this.#asking = true;
    try {
      const reply = await call("listStreamProxy", {}, this.#on.headers());
      if (!this.#allowed) return;
      if (reply.code === 0) this.#show(reply.data ?? []);
      this.#tell(reply.code === 0 ? "" : whyNot(reply));
    } catch {
      this.#tell("The server does not answer.");
    } finally {
      this.#asking = false;
    }
  }

  // tell says what is wrong with the list, or that there is nothing in it.
  #tell(trouble) {
    const state = this.#section.querySelector("[role=status]");
    const text = trouble || (this.#entries.size === 0 ? "Nothing is pulled." : "");
    state.classList.toggle("bad", trouble !== "");
    if (state.textContent !== text) state.textContent = text;
  }

  #show(pulls) {
    const gone = new Set(this.#entries.keys());
    for (const p of pulls) {
      gone.delete(p.key);
      if (!this.#entries.has(p.key)) this.#enter(p);
      fill(this.#entries.get(p.key), p);
    }
    for (const key of gone) {
      this.#entries.get(key).item.remove();
      this.#entries.delete(key);
    }
  }

  #enter(p) {
    const name = p.src.app + "/" + p.src.stream, item = element("li"), state = element("p"), url = element("code");
    const remove = element("button", "Remove", { type: "button" });
    remove.setAttribute("aria-label", "Remove the pull of " + name);
    remove.onclick = () => this.#remove(p.key, name, remove);
    item.append(element("b", name), remove, state, url);
    this.#list.append(item);
    this.#entries.set(p.key, { item, state, url });
  }

  async #add() {
    const { url, app, stream, keep, add } = this.#form;
    const source = url.value.trim();
    const values = { vhost, url: source, app: app.value.trim() || app.placeholder, stream: stream.value.trim() || nameIn(source), force: keep.checked ? 1 : 0 };
    this.#say("");
    add.disabled = true;
    add.textContent = "Connecting…";
    const trouble = await this.#try("addStreamProxy", values);
    add.disabled = false;
    add.textContent = "Add";
    this.#say(trouble);
    if (trouble === "") {
      this.#form.reset();
      stream.placeholder = nameIn("");
    }
    this.#changed();
  }

  async #remove(key, name, button) {
    if (!confirm("Remove the pull of " + name + "? Who watches it is cut off.")) return;
    button.disabled = true;
    this.#say(await this.#try("delStreamProxy", { key }));
    button.disabled = false;
    this.#changed();
  }

  // try makes a call, and returns what went wrong.
  async #try(name, values) {
    try {
      const reply = await call(name, values, this.#on.headers());
      return reply.code === 0 ? "" : whyNot(reply);
    } catch {
      return "The server does not answer.";
    }
  }

  #changed() {
    this.#refresh();
    this.#on.changed();
  }

  #say(text) { this.#form.querySelector("[role=alert]").textContent = text; }
}

function fill(entry, p) {
  const state = stateOf(entry, p);
  if (entry.state.textContent !== state) entry.state.textContent = state;
  if (entry.url.textContent !== p.url) entry.url.textContent = p.url;
  entry.item.classList.toggle("bad", p.status !== 0);
}

// since is a time of day, with the day unless that is today.
function since(at) {
  const day = dayOf(at);
  return (day === dayOf(Date.now()) ? "" : day + " ") + clock(at);
}

// startOf is when a pull began to play. It stays what it was, although the server cuts off parts of seconds.
function startOf(entry, p) {
  const at = Date.now() - p.liveSecs * 1000;
  if (Math.abs((entry.start ?? 0) - at) > 2500) entry.start = at;
  return entry.start;
}

// stateOf says in words what a pull is at, and how often it was begun again in all.
function stateOf(entry, p) {
  const n = p.rePullCount, again = n === 0 ? "" : " Tried again " + (n === 1 ? "once" : n + " times") + " so far.";
  if (p.status === 0) return "Playing since " + since(startOf(entry, p)) + "." + again;
  const [, what, why] = p.status_str.match(/^(play failed|play shutdown)(?:: (.*))?$/s) ?? [];
  if (!what) return (n === 0 ? "Connecting…" : "Connecting again…") + again;
  return "Trying again, because " + (what === "play failed" ? reason(why) : "the source ended" + (why ? " (" + plain(why) + ")" : "")) + "." + again;
}

// plain is what the server says without the part of it that says so.
const plain = (text) => text.replace(/^(relay|rtsp|rtmp|web): /, "").replace(/\.$/, "");

// reason says why a source did not come.
function reason(text = "") {
  if (text === "connection refused") return "nothing answers at its address";
  const [, code] = text.match(/^[A-Z]+:(\d+) /) ?? [];
  if (code === "401" || code === "403") return "the source does not let the server in (" + text + ")";
  if (code === "404") return "the source has no such stream (" + text + ")";
  if (text.endsWith("no media came in time")) return "the source sends nothing";
  return "the source did not come" + (text ? " (" + plain(text) + ")" : "");
}

function whyNot(reply) {
  if (reply.code === refused) return "You are not logged in any more.";
  if (reply.code !== failed) return "That did not work: " + plain(reply.msg) + ".";
  if (/^This stream already exists$|: stream exists$/.test(reply.msg)) return "There is a stream or a pull of that name.";
  if (reply.msg.includes("the protocol is not supported")) return "That is no URL of RTSP, RTMP or HTTP.";
  if (reply.msg.includes("the address is not allowed")) return "The server does not connect to that address.";
  if (reply.msg.includes("the stream would be made of itself")) return "That is the same stream: it would be made of itself.";
  if (reply.msg === "not enabled") return "This server does not pull.";
  const why = reason(reply.msg);
  return why[0].toUpperCase() + why.slice(1) + ".";
}

// nameIn is the name of a stream that a URL suggests: the last part of its path that is one.
function nameIn(text) {
  const path = text.replace(/^[a-z]+:\/\/[^/]*/i, "").replace(/[?#].*$/s, "");
  const parts = path.split("/").map((part) => decoded(part).replace(/(\.live)?\.(flv|ts|mp4|m3u8)$/i, "").replace(/[^\w.-]+/g, "-"));
  return parts.findLast((part) => /\w/.test(part)) || "camera";
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
