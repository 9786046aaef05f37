// Plays fMP4 that comes by HTTP or WebSocket, through a SourceBuffer (Media Source Extensions).
import { Source } from "./forms.js";
import { Failure } from "./failure.js";
import { Filter, Joiner, sampleEntry, startsFile } from "./boxes.js";

// In seconds: how far behind the newest picture to play, from where on faster, and from where on to jump.
const near = 0.5, late = 1.2, tooLate = 4;
const keep = 10; // behind what is shown
const waitFor = 20; // ahead of a video that stands still, before the connection is given up until it goes on
const queueLimit = 16 << 20; // bytes, of what WebSocket has brought and the browser has not taken

// event waits for one of a target, and fails when the signal says that it is over or an error comes first.
function event(target, name, signal) {
  const heard = new AbortController();
  return new Promise((resolve, reject) => {
    const on = (from, type, then) => from.addEventListener(type, then, { signal: heard.signal });
    if (signal.aborted) reject(signal.reason);
    on(signal, "abort", () => reject(signal.reason));
    on(target, name, resolve);
    on(target, "error", () => reject(new Failure("the browser does not take what came")));
  }).finally(() => heard.abort());
}

async function* byHTTP(url, signal) {
  const reply = await fetch(url, { signal, cache: "no-store" });
  if (!reply.ok) throw new Failure("the server answers " + reply.status, { status: reply.status });
  const reader = reply.body.getReader();
  for (;;) {
    const { done, value } = await reader.read(); // what is not read stays with the server
    if (done) return;
    yield value;
  }
}

async function* byWebSocket(url, signal) {
  const socket = new WebSocket(url), queue = [];
  let size = 0, opened = false, closed = false, wake = () => {};
  socket.binaryType = "arraybuffer";
  socket.onopen = () => { opened = true; };
  socket.onmessage = ({ data }) => { queue.push(new Uint8Array(data)); size += data.byteLength; wake(); };
  socket.onclose = signal.onabort = () => { closed = true; wake(); };
  try {
    for (;;) {
      if (size > queueLimit) throw new Failure("the browser is too slow");
      const next = queue.shift();
      if (next) {
        size -= next.length;
        yield next;
      } else if (closed) {
        if (!opened) throw new Failure("no connection");
        return;
      } else {
        await new Promise((resolve) => { wake = resolve; });
      }
    }
  } finally {
    socket.close();
  }
}

// playMSE plays until it is closed. on.end is called when the stream has ended, on.fail with what went wrong.
export function playMSE(plan, video, on) {
  const source = new Source(), over = new AbortController(), filter = new Filter();
  const tracks = [plan.video, plan.audio].filter((t) => t);
  const type = (plan.video ? "video" : "audio") + '/mp4; codecs="' + tracks.map((t) => t.mime).join(",") + '"';
  let bytes = 0, buffer = null;

  const ahead = () => (video.buffered.length ? video.buffered.end(video.buffered.length - 1) - video.currentTime : 0);

  // chase keeps to the newest picture, and over gaps.
  function chase() {
    const ranges = video.buffered, n = ranges.length;
    if (n === 0 || video.paused || video.seeking) return;
    const within = [...Array(n).keys()].find((i) => ranges.start(i) <= video.currentTime && video.currentTime < ranges.end(i) - 0.05);
    if (ahead() > tooLate || (within === undefined && video.currentTime < ranges.start(n - 1))) {
      video.currentTime = Math.max(ranges.start(n - 1), ranges.end(n - 1) - near);
    }
    if (ahead() > late) video.playbackRate = 1.1;
    else if (ahead() < near) video.playbackRate = 1;
  }

  async function change(action) {
    const done = event(buffer, "updateend", over.signal);
    action();
    await done;
  }

  async function trim(rest) {
    const from = buffer.buffered.length ? buffer.buffered.start(0) : 0, to = video.currentTime - rest;
    if (to > from) await change(() => buffer.remove(from, to));
  }

  async function append(data) {
    try {
      await change(() => buffer.appendBuffer(data));
    } catch (e) {
      if (e.name !== "QuotaExceededError") throw e;
      await trim(1);
      await change(() => buffer.appendBuffer(data));
    }
    if (buffer.buffered.length && video.currentTime - buffer.buffered.start(0) > 3 * keep) await trim(keep);
    chase();
  }

  // receive takes what comes until the stream ends, and reports false when it stops because the video stands still.
  async function receive() {
    const joiner = new Joiner(), connection = new AbortController();
    over.signal.addEventListener("abort", () => connection.abort(), { signal: connection.signal });
    const pieces = (plan.url.startsWith("ws") ? byWebSocket : byHTTP)(plan.url, connection.signal);
    let begun = false;
    try {
      for await (const piece of pieces) {
        over.signal.throwIfAborted();
        bytes += piece.length;
        const data = joiner.add(piece);
        if (startsFile(data)) {
          if (begun) throw new Failure("the stream has changed");
          begun = true;
          if (filter.keep(data, tracks.map(sampleEntry)) !== tracks.length) throw new Failure("the stream has changed");
        }
        filter.fragments(data);
        if (data.length > 0) await append(data);
        if (video.paused && ahead() > waitFor) return false;
      }
      return true;
    } finally {
      connection.abort();
    }
  }

  async function run() {
    video.disableRemotePlayback = true; // or iPhones do not open it
    const address = URL.createObjectURL(source);
    video.src = address;
    await event(source, "sourceopen", over.signal);
    URL.revokeObjectURL(address);
    buffer = source.addSourceBuffer(type);
    while (!(await receive())) await event(video, "play", over.signal);
  }

  const timer = setInterval(chase, 250);
  run().then(() => over.signal.aborted || on.end(), (e) => over.signal.aborted || on.fail(e));
  return {
    bytes: () => bytes,
    close() {
      over.abort();
      clearInterval(timer);
      video.playbackRate = 1;
      video.removeAttribute("src");
      video.load();
    },
  };
}
