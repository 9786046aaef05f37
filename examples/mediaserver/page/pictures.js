// Small pictures of the streams of the list. Only what is on the screen is asked for, two at once, and each again after ten seconds at the
// earliest. What cannot be decoded here, or has no pictures, keeps the neutral one.
import { canDecode } from "./forms.js";
import { element } from "./element.js";

const fresh = 10000; // ms
const atOnce = 2;
const patience = 5000; // ms, for one to be decoded

export class Pictures {
  #headers; // what the requests need
  #all = new Map(); // what is known of each, by its canvas
  #observer = new IntersectionObserver((entries) => this.#moved(entries), { rootMargin: "100px" });
  #allowed = false;
  #asking = 0;

  constructor(headers) {
    this.#headers = headers;
    document.addEventListener("visibilitychange", () => this.#pump());
  }

  // allow says whether pictures may be had; those there are go when not.
  allow(allowed) {
    if (this.#allowed === allowed) return;
    this.#allowed = allowed;
    for (const p of this.#all.values()) {
      p.asked = -Infinity;
      if (!allowed) clear(p);
    }
    this.#pump();
  }

  // add returns an element for the picture of a stream, which remove gives back.
  add() {
    const canvas = element("canvas", "", { width: 192, height: 108 }), frame = element("span", "", { className: "picture" });
    frame.setAttribute("aria-hidden", "true"); // the name beside it says what it is
    frame.append(canvas);
    this.#all.set(frame, { frame, canvas, stream: null, shown: false, asked: -Infinity });
    this.#observer.observe(frame);
    return frame;
  }

  // of says which stream it is, as it is listed now.
  of(frame, stream) {
    this.#all.get(frame).stream = stream;
    this.#pump();
  }

  remove(frame) {
    this.#observer.unobserve(frame);
    this.#all.delete(frame);
  }

  #moved(entries) {
    for (const e of entries) {
      const p = this.#all.get(e.target);
      if (p) p.shown = e.isIntersecting;
    }
    this.#pump();
  }

  // pump asks for those that are due, the longest waiting first.
  #pump() {
    if (!this.#allowed || document.hidden) return;
    const due = (p) => p.shown && p.stream && performance.now() - p.asked >= fresh && shows(p.stream);
    const waiting = [...this.#all.values()].filter(due).sort((a, b) => a.asked - b.asked);
    for (const p of waiting.slice(0, atOnce - this.#asking)) this.#ask(p);
  }

  async #ask(p) {
    const { vhost, app, stream } = p.stream;
    p.asked = performance.now();
    this.#asking++;
    try {
      const reply = await fetch("picture?" + new URLSearchParams({ vhost, app, stream }), {
        cache: "no-store", headers: this.#headers(), signal: AbortSignal.timeout(2 * patience),
      });
      if (reply.status === 200) await draw(p, await reply.blob(), () => this.#allowed && this.#all.has(p.frame));
    } catch {
      clear(p); // what there is to say of a server that is gone, the list says
    } finally {
      this.#asking--;
      this.#pump();
    }
  }
}

// shows reports whether the picture of a stream can be shown.
const shows = (stream) => stream.tracks.some((t) => t.codec === "JPEG" || (t.video && canDecode(t)));

function clear(p) {
  p.frame.classList.remove("there");
  p.canvas.getContext("2d").clearRect(0, 0, p.canvas.width, p.canvas.height);
}

async function draw(p, blob, wanted) {
  const on = (source, width, height) => !wanted() || paint(p, source, width, height);
  if (blob.type.startsWith("image/")) {
    const bitmap = await createImageBitmap(blob);
    on(bitmap, bitmap.width, bitmap.height);
    bitmap.close();
    return;
  }
  const url = URL.createObjectURL(blob), video = element("video", "", { muted: true, playsInline: true, preload: "auto" });
  try {
    await decoded(video, url);
    // A busy browser may say that it has a picture before it has one to paint.
    for (let tries = 0; !on(video, video.videoWidth, video.videoHeight) && tries < 50; tries++) await pause(100);
  } finally {
    video.removeAttribute("src");
    video.load(); // lets go of the decoder
    URL.revokeObjectURL(url);
  }
}

// decoded loads a video and waits for its first picture.
function decoded(video, url) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("no picture was decoded in time")), patience);
    const then = (f) => () => { clearTimeout(late); f(); };
    video.onloadeddata = then(resolve);
    video.onerror = then(() => reject(new Error("the picture cannot be decoded")));
    video.src = url;
  });
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// paint puts the whole picture into the canvas, whatever its shape, and reports whether there was one.
function paint(p, source, width, height) {
  const { canvas } = p, paper = canvas.getContext("2d");
  const scale = Math.min(canvas.width / width, canvas.height / height);
  const w = width * scale, h = height * scale;
  paper.clearRect(0, 0, canvas.width, canvas.height);
  paper.drawImage(source, (canvas.width - w) / 2, (canvas.height - h) / 2, w, h);
  const painted = paper.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data[3] > 0;
  p.frame.classList.toggle("there", painted);
  return painted;
}
