"use strict";
// Lists the live streams and plays one. Names come from publishers: they are only ever set as text.
const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
let playing = null; // the stream that is played
let player = null;
let wanted = query.get("play"); // "app/stream", to be played when it is there

const nameOf = (s) => s.app + "/" + s.stream;
const proto = () => document.querySelector("input[name=proto]:checked").value;

function element(tag, text) {
  const e = document.createElement(tag);
  e.textContent = text;
  return e;
}

function describe(s) {
  const video = s.tracks.find((t) => t.width > 0);
  const parts = s.tracks.map((t) => t.codec);
  if (video) parts.unshift(video.width + "×" + video.height);
  parts.push(Math.round(s.bytesSpeed / 125) + " kbit/s", s.readers + (s.readers === 1 ? " viewer" : " viewers"));
  return parts.join(" · ");
}

function showStreams(list) {
  const focused = document.activeElement?.dataset?.name;
  $("streams").replaceChildren(...list.map((s) => {
    const button = element("button", nameOf(s));
    button.append(element("small", describe(s)));
    button.dataset.name = nameOf(s);
    button.setAttribute("aria-pressed", String(playing !== null && nameOf(playing) === nameOf(s)));
    button.onclick = () => play(s);
    const item = document.createElement("li");
    item.append(button);
    return item;
  }));
  if (focused) [...$("streams").querySelectorAll("button")].find((b) => b.dataset.name === focused)?.focus();
  $("empty").hidden = list.length > 0;
  $("summary").textContent = list.length === 1 ? "1 live stream" : list.length + " live streams";
}

function showURLs(s) {
  $("urls").replaceChildren(...Object.entries(s.urls).flatMap(([name, url]) => {
    const value = document.createElement("dd");
    value.append(element("code", url));
    return [element("dt", name), value];
  }));
}

function stop() {
  if (player) player.destroy();
  player = null;
}

function play(s) {
  stop();
  playing = s;
  wanted = null;
  showURLs(s);
  document.title = nameOf(s) + " – Sluice";
  if (!mpegts.isSupported()) {
    $("state").textContent = "This browser cannot play live streams.";
    return;
  }
  const url = s.urls[proto() === "ws" ? "WS-FLV" : "HTTP-FLV"];
  player = mpegts.createPlayer({ type: "flv", isLive: true, url }, { liveBufferLatencyChasing: true });
  player.on(mpegts.Events.ERROR, (kind, detail) => {
    document.body.dataset.error = kind + " " + detail;
    $("state").textContent = "Playing failed: " + kind + ", " + detail;
  });
  player.attachMediaElement($("video"));
  player.load();
  player.play()?.catch(() => { $("state").textContent = "Press play."; });
}

function showState() {
  const video = $("video");
  if (!player || document.body.dataset.error) return;
  const ahead = video.buffered.length ? video.buffered.end(video.buffered.length - 1) - video.currentTime : 0;
  const frames = video.getVideoPlaybackQuality?.().totalVideoFrames ?? 0;
  $("state").textContent = nameOf(playing) + " · " + video.videoWidth + "×" + video.videoHeight + " · " +
    frames + " pictures · " + ahead.toFixed(1) + " s buffered";
}

async function refresh() {
  try {
    const reply = await fetch("streams.json", { cache: "no-store" });
    const list = await reply.json();
    showStreams(list);
    const found = wanted && list.find((s) => nameOf(s) === wanted);
    if (found) play(found);
  } catch {
    $("summary").textContent = "The server does not answer.";
  }
}

for (const input of document.querySelectorAll("input[name=proto]")) {
  input.checked = input.value === (query.get("proto") ?? "http");
  input.onchange = () => { delete document.body.dataset.error; if (playing) play(playing); };
}
$("try").textContent = "ffmpeg -re -i clip.mp4 -c copy -f flv rtmp://" + location.hostname + "/live/test";
refresh();
setInterval(refresh, 2000);
setInterval(showState, 500);
