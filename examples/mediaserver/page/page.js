// Lists the live streams and plays one. Names come from publishers: they are only ever set as text.
import { canDecode, choose as plan, forms, mainTracks, nativeHLS, offered, Source } from "./forms.js";
import { element } from "./element.js";
import { open } from "./player.js";
import { Pulls } from "./pulls.js";
import { Recorder } from "./recorder.js";
import { Recordings } from "./recordings.js";
import { Streams } from "./streams.js";

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
let playing = null; // the stream that is played
let player = null;
const asked = streamOf(query.get("play"), query.get("vhost")); // the stream of the address of the page
let wanted = asked && nameOf(asked); // the name of a stream to be played when it is there
let notBefore = 0; // and the time from which on
let failures = 0; // in a row
let watching = false; // what was recorded: nothing that is live plays by itself
let live = null; // the stream that is shown, as it was last listed
let secret = ""; // kept nowhere: who reloads the page gives it again
let closed = false; // nothing is listed without it
let tried = false; // one was wrong, and none right since
const server = fetch("server.json").then((reply) => reply.json());

// The virtual host is part of a name only where there are several.
function nameOf(s) {
  return (s.vhost === "__defaultVhost__" ? "" : s.vhost + "/") + s.app + "/" + s.stream;
}

// streamOf takes app/name apart; null if it is none.
function streamOf(path, vhost) {
  const [, app, stream] = path?.match(/^([^/]+)\/(.+)$/s) ?? [];
  return stream ? { vhost: vhost ?? "__defaultVhost__", app, stream } : null;
}

const proto = () => document.querySelector("input[name=proto]:checked").value;

// Codecs are called as people do where the API does not.
const spoken = { H264: "H.264", H265: "H.265", H266: "H.266", "mpeg4-generic": "AAC", PCMA: "G.711 A-law", PCMU: "G.711 µ-law", opus: "Opus" };
const nameOfCodec = (t) => spoken[t.codec] ?? t.codec;
const names = (tracks) => tracks.map(nameOfCodec).join(" and ");

function say(text, bad = false) {
  $("state").classList.toggle("bad", bad);
  if ($("state").textContent !== text) $("state").textContent = text;
}

// describe says what a stream is, and what it does.
function describe(s) {
  const video = s.tracks.find((t) => t.width > 0);
  const parts = s.tracks.map(nameOfCodec);
  if (video) parts.unshift(video.width + "×" + video.height + (video.fps > 0 ? " " + Math.round(video.fps) + " fps" : ""));
  const does = [Math.round(s.bytesSpeed / 125) + " kbit/s", s.readers + (s.readers === 1 ? " viewer" : " viewers")];
  if (s.recording) does.push("being recorded");
  return [parts.join(" · "), does.join(" · ")];
}

function showStreams(list) {
  streams.show(list);
  streams.press(playing && nameOf(playing));
  $("empty").hidden = list.length > 0;
  const summary = list.length === 1 ? "1 live stream" : list.length + " live streams";
  if ($("summary").textContent !== summary) $("summary").textContent = summary;
}

// copy puts a URL on the clipboard, or selects it where the browser forbids that (pages without HTTPS).
async function copy(button, code) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(code);
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

// Addresses are shown in this order, which is by protocol.
const order = ["RTSP", "RTSPS", "RTMP", "RTMPS", "HTTP-FLV", "WS-FLV", "HTTP-fMP4", "WS-fMP4", "HTTP-TS", "WS-TS", "LL-HLS", "HLS"];

function showURLs(s) {
  $("urls-title").hidden = false;
  $("urls").replaceChildren(...order.filter((name) => name in s.urls).map((name) => {
    const item = document.createElement("li");
    const code = element("code", s.urls[name]);
    const button = element("button", "Copy");
    button.setAttribute("aria-label", "Copy the " + name + " address");
    button.onclick = () => copy(button, code);
    item.append(element("span", name), code, button);
    return item;
  }));
}

// elsewhere says where the whole stream can be watched.
function elsewhere(s) {
  const url = s.urls.RTSP ?? s.urls.RTSPS ?? s.urls.RTMP ?? s.urls.RTMPS ?? s.urls["HTTP-FLV"];
  return url ? " Open it in VLC: " + url : "";
}

// refusal says why there is no way to play a stream.
function refusal(s) {
  const form = forms.find((f) => f.id === proto());
  const main = mainTracks(s), unknown = main.filter((t) => !canDecode(t));
  if (!Source && !nativeHLS()) return "This browser cannot play live streams." + elsewhere(s);
  if (main.length === 0) return nameOf(s) + " has neither picture nor sound yet.";
  if (unknown.length === main.length) return "This browser cannot decode " + names(unknown) + "." + elsewhere(s);
  if (form && !offered(s, form)) return "The server does not offer " + nameOf(s) + " by " + form.name + ". Choose another protocol.";
  if (form && !Source && form.player !== "hls") return "This browser plays nothing but HLS. Choose that protocol.";
  if (form) return "The player of " + form.name + " does not play " + names(s.tracks) + ". Choose another protocol.";
  return "There is no player for " + names(s.tracks) + " here." + elsewhere(s);
}

// playingText says what is played, and which sound is not.
function playingText(p) {
  const lost = p.audio ? [] : p.stream.tracks.filter((t) => !t.video);
  const text = "Playing " + nameOf(p.stream) + " by " + p.form.name + ".";
  if (lost.length === 0) return text;
  const why = lost.some(canDecode) ? p.form.name + " does not play " : "this browser cannot decode ";
  return text + " Without its sound: " + why + names(lost) + "." + elsewhere(p.stream);
}

// choose plays what the user asks for.
function choose(s) {
  failures = 0;
  play(s);
}

function stop() {
  player?.close();
  player = null;
  $("stats").hidden = true;
}

// again plays the stream once more when it is there, after a while.
function again(seconds) {
  wanted = nameOf(playing);
  notBefore = Date.now() + seconds * 1000;
}

// begin lets a player have the video. What an older one has to say is of no interest.
function begin(make, on, name) {
  stop();
  const video = $("video");
  let mine = null;
  const if_ = (then) => (...args) => { if (player === mine) then(...args); };
  mine = make(video, { end: if_(on.end), fail: if_(on.fail) });
  player = mine;
  video.play().catch(if_((e) => { if (e.name === "NotAllowedError") say("Press play to watch " + name + "."); }));
}

// ended waits for the stream to come back.
function ended() {
  stop();
  again(failures === 0 ? 0 : 2);
  failures++;
  say("The stream has ended.");
}

// failed tries again, later and later, where that can help.
function failed(p, error) {
  stop();
  document.body.dataset.error = error.message;
  const refused = error.status === 401 || error.status === 403;
  if (refused || error.final || error.name === "NotSupportedError") {
    say(refused ? "The server does not let you watch " + nameOf(p.stream) + "." : "Playing failed: " + error.message + "." + elsewhere(p.stream), true);
    return;
  }
  const seconds = Math.min(2 ** ++failures, 30);
  again(seconds);
  say("Playing failed: " + error.message + ". Trying again in " + seconds + " s.", true);
}

// show says which stream is the one that is played, before it is.
function show(s) {
  playing = s;
  wanted = null;
  watching = false;
  showForms(s);
  recordings.of(s);
  showURLs(s);
  document.title = nameOf(s) + " – Sluice";
  streams.press(nameOf(s));
}

function play(s) {
  stop();
  show(s);
  delete document.body.dataset.error;
  const p = plan(s, proto());
  if (!p) {
    document.body.dataset.error = "unsupported";
    say(refusal(s), true);
    if (s.tracks.length === 0) again(2); // they come
    return;
  }
  say("Connecting to " + nameOf(s) + " by " + p.form.name + "…");
  const make = (video, on) => ({ ...open(p, video, on), name: nameOf(s), text: () => playingText(p) });
  begin(make, { end: ended, fail: (e) => failed(p, e) }, nameOf(s));
}

// playRecorded plays what was recorded of a stream, and nothing else by itself until that is left.
function playRecorded(s, make) {
  wanted = null;
  delete document.body.dataset.error;
  const text = "Playing the recording of " + nameOf(s) + ".";
  say("Opening the recording of " + nameOf(s) + "…");
  const over = (text, bad) => {
    stop();
    say(text, bad);
  };
  const fail = (e) => {
    document.body.dataset.error = e.message;
    over(e.message, true);
  };
  begin((video, on) => ({ ...make(video, on), recorded: true, name: nameOf(s), text: () => text }),
    { end: () => over("The recording ends here.", false), fail }, nameOf(s));
  watching = true;
}

let counted = { at: 0, bytes: 0 };
let moved = { at: 0, time: 0 }; // when the video was seen to go on, and where it was

// stands reports whether the video has stood still for a while.
function stands(video) {
  const now = performance.now();
  if (video.currentTime !== moved.time) moved = { at: now, time: video.currentTime };
  return now - moved.at > 3000;
}

// rateOf is in kbit/s, since the last time.
function rateOf(p) {
  if (p.rate) return p.rate();
  if (!p.bytes) return 0;
  const now = performance.now(), bytes = p.bytes();
  const rate = ((bytes - counted.bytes) * 8) / Math.max(now - counted.at, 1);
  counted = { at: now, bytes };
  return rate;
}

function figure(id, value, text) {
  $(id).textContent = text;
  $(id).parentElement.hidden = !value;
}

function showStats() {
  const video = $("video");
  if (!player || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
  const quality = video.getVideoPlaybackQuality();
  const ahead = video.buffered.length ? video.buffered.end(video.buffered.length - 1) - video.currentTime : 0;
  const latency = player.latency?.() ?? 0, rate = Math.round(rateOf(player));
  $("stats").hidden = false;
  figure("size", video.videoWidth, video.videoWidth + "×" + video.videoHeight);
  figure("frames", video.videoWidth, quality.totalVideoFrames - quality.droppedVideoFrames);
  figure("dropped", video.videoWidth, quality.droppedVideoFrames);
  figure("buffered", true, Math.max(ahead, 0).toFixed(1) + " s");
  figure("latency", latency, latency.toFixed(1) + " s");
  figure("rate", rate, rate + " kbit/s");
  if (video.paused || video.currentTime === 0) return;
  say(stands(video) ? "Waiting for " + player.name + " to go on…" : player.text());
}

// login asks for the secret, and says so when one was wrong. Where the list is for everybody, who wants nothing else may do without.
function login(wrong, open) {
  secret = "";
  tried ||= wrong;
  allow(false);
  if (tried || !open) $("login").hidden = false;
  $("log-in").hidden = !$("login").hidden;
  const why = open ? "Who knows the API secret sees pictures, records and pulls:" : "The list of streams is for who knows the API secret:";
  const text = tried ? "That is not the secret. Give it again:" : why, label = $("login").firstElementChild;
  label.classList.toggle("bad", tried);
  if (label.textContent !== text) label.textContent = text;
  if (open) return;
  $("empty").hidden = true;
  streams.show([]);
  $("summary").textContent = "Not logged in.";
  follow([]);
}

// allow says whether the visitor may call the API.
function allow(allowed) {
  for (const part of [streams, pulls, recorder]) part.allow(allowed);
}

$("log-in").onclick = () => {
  $("log-in").hidden = true;
  $("login").hidden = false;
  $("secret").focus();
};

$("login").onsubmit = (event) => {
  event.preventDefault();
  secret = $("secret").value;
  $("secret").value = "";
  list();
};

// follow keeps what is about the stream that is shown up to date.
function follow(list) {
  const shown = playing ?? asked;
  live = (shown && list.find((s) => nameOf(s) === nameOf(shown))) ?? null;
  recorder.of(live);
  recordings.state(live !== null, live?.recording ?? false);
  if (shown && live === null && playing === null) recordings.open(); // there is nothing else to see
}

// toPlay is the stream that is to be played by itself: the one that is waited for or, before any was chosen, the only one.
function toPlay(list) {
  if (watching || Date.now() < notBefore) return undefined;
  if (wanted) return list.find((s) => nameOf(s) === wanted);
  return playing === null && list.length === 1 ? list[0] : undefined;
}

async function list() {
  try {
    const given = secret, asked = given !== "";
    const reply = await fetch("streams.json", { cache: "no-store", headers: headers() });
    if (given !== secret) return; // who has logged in meanwhile has asked again
    if (reply.status === 401) {
      closed = true;
      login(asked, false);
      return;
    }
    closed = false;
    if (reply.headers.get("Sluice-May-Call") === "yes") {
      $("login").hidden = $("log-in").hidden = true;
      tried = false;
      allow(true);
    } else {
      login(asked, true);
    }
    const list = await reply.json();
    showStreams(list);
    const found = toPlay(list);
    if (found) play(found);
    else if (wanted && playing === null) say(wanted + " is not live. It plays when it comes.");
    follow(list);
  } catch {
    $("summary").textContent = "The server does not answer.";
  }
}

async function refresh() {
  if (!closed) await list();
  setTimeout(refresh, 2000);
}

async function showHint() {
  $("try").textContent = "ffmpeg -re -i clip.mp4 -c copy -f flv " + (await server).publish;
}

// showForms enables those in which the server offers a stream.
function showForms(s) {
  for (const form of forms) {
    const label = document.querySelector("input[value=" + form.id + "]").parentElement;
    label.classList.toggle("off", !offered(s, form));
  }
}

function addForm(form) {
  const label = document.createElement("label"), input = document.createElement("input");
  Object.assign(input, { type: "radio", name: "proto", value: form.id });
  label.append(input, element("span", form.name));
  $("forms").append(label);
}

const headers = () => (secret ? { secret } : {}); // of calls
const recorder = new Recorder($("record"), $("record-trouble"), { headers, changed: list });
const streams = new Streams($("streams"), { name: nameOf, describe, choose, headers });
const pulls = new Pulls($("pulls"), { headers, changed: list });
const recordings = new Recordings({
  app: server.then((s) => s.recordings), play: playRecorded, resume: () => $("video").play().catch(() => {}), live: () => { if (live) choose(live); },
});
if (asked) recordings.of(asked);
forms.forEach(addForm);
for (const input of document.querySelectorAll("input[name=proto]")) {
  if (input.value === query.get("proto")) input.checked = true;
  input.onchange = () => { if (playing) choose(playing); };
}
showHint().catch(() => { $("try").textContent = ""; });
refresh();
setInterval(showStats, 500);
setInterval(() => { if (player && !$("video").paused && $("video").currentTime > 10) failures = 0; }, 10000);
