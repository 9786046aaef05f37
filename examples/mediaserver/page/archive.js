// What the server has recorded: its addresses, what there is of a time, and in plain words why something cannot be had.
import { Failure } from "./failure.js";

// Names come from publishers, and may hold anything.
const escaped = (path) => path.split("/").map(encodeURIComponent).join("/");

const reasons = {
  400: "That is too much at once. Choose less time.",
  401: "The server does not let you have these recordings.",
  403: "The server does not let you have these recordings.",
  404: "Nothing was recorded in that time.",
  409: "The codec changes in that time. Take the time before and the time behind that on their own.",
  503: "The server makes files for others already. Try again in some seconds.",
};

// reason says why the server refused.
export const reason = (status) => reasons[status] ?? "The server cannot read the recordings (status " + status + ").";

// address is where what was recorded of a stream from one time to another is; without the second it goes on with the recording.
// The form is ".m3u8", ".mp4" or ".json". The app is that of recordings.
export function address(app, stream, form, from, to) {
  const url = new URL(escaped(app) + "/" + escaped(stream.app) + "/" + escaped(stream.stream) + form, document.baseURI);
  url.searchParams.set("from", String(from / 1000));
  if (to !== undefined) url.searchParams.set("to", String(to / 1000));
  if (stream.vhost !== "__defaultVhost__") url.searchParams.set("vhost", stream.vhost);
  return url.href;
}

async function get(url, headers = {}) {
  const reply = await fetch(url, { cache: "no-store", headers }).catch(() => { throw new Failure("The server does not answer."); });
  if (!reply.ok) throw new Failure(reason(reply.status), { status: reply.status });
  return reply;
}

// spans are the files that have something of a time, oldest first. The list of a time that nothing can be of is empty.
export async function spans(app, stream, from, to) {
  const url = address(app, stream, ".json", from, to);
  try {
    const { spans } = await (await get(url)).json();
    return spans.map((s) => {
      const start = Date.parse(s.start);
      return { url: new URL(s.url, url).href, start, end: start + s.duration * 1000, size: s.size, growing: s.growing };
    });
  } catch (e) {
    if (e.status === 404) return [];
    throw e;
  }
}

// check fails where there is nothing at an address, which who just follows a link is not told.
export async function check(url) {
  const reply = await get(url, { Range: "bytes=0-0" });
  await reply.body?.cancel();
}
