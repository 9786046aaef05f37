// Lists the devices and their channels, and plays one: fragmented MP4 over HTTP, or HLS where only that is played.
const video = document.querySelector("video");
const player = document.querySelector("#player");
const trouble = document.querySelector("#trouble");
const list = document.querySelector("#devices");

function element(name, text, className) {
  const e = document.createElement(name);
  e.textContent = text; // names are those of devices: never HTML
  if (className) e.className = className;
  return e;
}

function button(text, onclick) {
  const b = element("button", text);
  b.onclick = onclick;
  return b;
}

function play(channel) {
  const path = channel.stream.split("/").map(encodeURIComponent).join("/");
  const hls = !("MediaSource" in window) && video.canPlayType("application/vnd.apple.mpegurl");
  document.querySelector("#name").textContent = channel.name || channel.id;
  trouble.textContent = "The camera is being called.";
  player.hidden = false;
  video.src = "/" + path + (hls ? "/hls.fmp4.m3u8" : ".live.mp4");
  video.play().catch(() => {}); // the video element tells of errors, too
}

function stop() {
  video.removeAttribute("src");
  video.load(); // ends the request, and so the call when nobody else watches
  player.hidden = true;
}

video.onplaying = () => { trouble.textContent = ""; };
video.onended = () => { trouble.textContent = "The camera has ended."; };
video.onerror = () => { if (video.hasAttribute("src")) trouble.textContent = "No picture: " + (video.error?.message || "the camera does not answer"); };
document.querySelector("#stop").onclick = stop;

function show(devices) {
  document.querySelector("#empty").hidden = devices.length > 0;
  list.replaceChildren(...devices.map((d) => {
    const item = element("li", "", d.online ? "" : "offline");
    item.append(element("strong", d.id), " ", d.online ? "online" : "offline", " ",
      element("span", d.address + " " + d.transport, "address"), " ");
    if (d.online) item.append(button("Ask for channels", () => fetch("/devices/" + encodeURIComponent(d.id) + "/catalog", { method: "POST" })));
    const channels = element("ul", "");
    channels.append(...d.channels.map((c) => {
      const line = element("li", (c.name || c.id) + (c.status === "OFF" ? " (off)" : "") + (c.playing ? " (playing)" : "") + " ");
      if (d.online) line.append(button("Play", () => play(c)));
      return line;
    }));
    item.append(channels);
    return item;
  }));
}

let shown = "";
async function refresh() {
  try {
    const text = await (await fetch("/devices.json")).text();
    const devices = JSON.parse(text);
    const key = JSON.stringify(devices.map((d) => [d.id, d.online, d.address, d.channels])); // not when it was seen
    if (key !== shown) show(devices);
    shown = key;
  } catch {
    // The next one may work.
  }
  setTimeout(refresh, 2000);
}
refresh();
