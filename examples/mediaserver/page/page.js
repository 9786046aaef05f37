"use strict";
// Lists the live streams and plays one. Names come from publishers: they are only ever set as text.
const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
let playing = null; // the stream that is played
let player = null;
let wanted = query.get("play"); // the name of a stream to be played when it is there

// The virtual host is part of a name only where there are several.
const nameOf = (s) => (s.vhost === "__defaultVhost__" ? "" : s.vhost + "/") + s.app + "/" + s.stream;
const proto = () => document.querySelector("input[name=proto]:checked").value;

function element(tag, text) {
  const e = document.createElement(tag);
  e.textContent = text;
  return e;
}

function say(text, bad = false) {
  $("state").classList.toggle("bad", bad);
  if ($("state").textContent !== text) $("state").textContent = text;
}

function describe(s) {
  const video = s.tracks.find((t) => t.width > 0);
  const parts = s.tracks.map((t) => (t.codec === "mpeg4-generic" ? "AAC" : t.codec));
  if (video) parts.unshift(video.width + "×" + video.height + (video.fps > 0 ? " " + Math.round(video.fps) + " fps" : ""));
  parts.push(Math.round(s.bytesSpeed / 125) + " kbit/s", s.readers + (s.readers === 1 ? " viewer" : " viewers"));
  return parts.join(" · ");
}

function streamItem(s) {
  const name = nameOf(s);
  const button = element("button", name);
  button.append(element("small", describe(s)));
  button.dataset.name = name;
  button.setAttribute("aria-pressed", String(playing !== null && nameOf(playing) === name));
  button.onclick = () => choose(s);
  const item = document.createElement("li");
  item.append(button);
  return item;
}

function showStreams(list) {
  const focused = document.activeElement?.dataset?.name;
  $("streams").replaceChildren(...list.map(streamItem));
  if (focused) [...$("streams").querySelectorAll("button")].find((b) => b.dataset.name === focused)?.focus();
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

function showURLs(s) {
  $("urls").replaceChildren(...Object.entries(s.urls).map(([name, url]) => {
    const item = document.createElement("li");
    const code = element("code", url);
    const button = element("button", "Copy");
    button.setAttribute("aria-label", "Copy the " + name + " address");
    button.onclick = () => copy(button, code);
    item.append(element("span", name), code, button);
    return item;
  }));
}

// choose plays what the user asks for.
function choose(s) {
  delete document.body.dataset.error;
  play(s);
}

function stop() {
  player?.destroy();
  player = null;
}

// ended waits for the stream to come back.
function ended(text, bad) {
  stop();
  wanted = nameOf(playing);
  $("stats").hidden = true;
  say(text, bad);
}

function play(s) {
  stop();
  playing = s;
  wanted = null;
  showURLs(s);
  document.title = nameOf(s) + " – Sluice";
  for (const b of $("streams").querySelectorAll("button")) b.setAttribute("aria-pressed", String(b.dataset.name === nameOf(s)));
  if (!mpegts.isSupported()) {
    say("This browser cannot play live streams.");
    return;
  }
  say("Connecting to " + nameOf(s) + "…");
  const mine = mpegts.createPlayer(
    { type: "flv", isLive: true, url: s.urls[proto() === "ws" ? "WS-FLV" : "HTTP-FLV"] },
    { liveBufferLatencyChasing: true, enableStashBuffer: false },
  );
  player = mine;
  mine.on(mpegts.Events.ERROR, (kind, detail) => {
    document.body.dataset.error = kind + " " + detail;
    if (player === mine) ended("Playing failed: " + kind + ", " + detail + ". Trying again.", true);
  });
  mine.on(mpegts.Events.LOADING_COMPLETE, () => { if (player === mine) ended("The stream has ended.", false); });
  mine.attachMediaElement($("video"));
  mine.load();
  mine.play()?.catch(() => { if (player === mine) say("Press play to watch " + nameOf(s) + "."); });
}

function showStats() {
  const video = $("video");
  if (!player || video.videoWidth === 0) return;
  const quality = video.getVideoPlaybackQuality();
  const ahead = video.buffered.length ? video.buffered.end(video.buffered.length - 1) - video.currentTime : 0;
  $("stats").hidden = false;
  $("size").textContent = video.videoWidth + "×" + video.videoHeight;
  $("frames").textContent = quality.totalVideoFrames - quality.droppedVideoFrames;
  $("dropped").textContent = quality.droppedVideoFrames;
  $("buffered").textContent = Math.max(ahead, 0).toFixed(1) + " s";
  $("rate").textContent = Math.round((player.statisticsInfo?.speed ?? 0) * 8) + " kbit/s";
  if (!video.paused && video.currentTime > 0) {
    say("Playing " + nameOf(playing) + " by " + (proto() === "ws" ? "WS-FLV" : "HTTP-FLV") + ".");
  }
}

let secret = ""; // kept nowhere: who reloads the page gives it again

// login asks for the secret, and says so when the one given was wrong.
function login(asked) {
  $("login").hidden = false;
  $("empty").hidden = true;
  $("streams").replaceChildren();
  $("summary").textContent = asked ? "That is not the secret." : "Not logged in.";
  secret = "";
}

$("login").onsubmit = (event) => {
  event.preventDefault();
  secret = $("secret").value;
  $("secret").value = "";
  list();
};

// toPlay is the stream that is to be played by itself: the one that is waited for or, before any was chosen, the only one.
function toPlay(list) {
  if (wanted) return list.find((s) => nameOf(s) === wanted);
  return playing === null && list.length === 1 ? list[0] : undefined;
}

async function list() {
  try {
    const asked = secret !== "";
    const reply = await fetch("streams.json", { cache: "no-store", headers: asked ? { secret } : {} });
    if (reply.status === 401) {
      login(asked);
      return;
    }
    $("login").hidden = true;
    const list = await reply.json();
    showStreams(list);
    const found = toPlay(list);
    if (found) play(found);
  } catch {
    $("summary").textContent = "The server does not answer.";
  }
}

async function refresh() {
  if ($("login").hidden) await list();
  setTimeout(refresh, 2000);
}

async function showHint() {
  const reply = await fetch("server.json");
  const server = await reply.json();
  $("try").textContent = "ffmpeg -re -i clip.mp4 -c copy -f flv " + server.publish;
}

for (const input of document.querySelectorAll("input[name=proto]")) {
  if (input.value === query.get("proto")) input.checked = true;
  input.onchange = () => { if (playing) choose(playing); };
}
showHint().catch(() => { $("try").textContent = ""; });
refresh();
setInterval(showStats, 500);
