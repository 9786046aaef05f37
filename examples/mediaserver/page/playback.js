// Plays what was recorded. Besides what every player has, date is when what is seen now was (ms), and seek goes to a date and reports
// whether it is in what is played.
import { Failure } from "./failure.js";
import { reason } from "./archive.js";
import { Source } from "./forms.js";
import { loadHls, playNative, unsupported } from "./player.js";
import { silencing } from "./silence.js";
import { dateAt, piecesOf, positionAt } from "./spans.js";

// openRecorded plays a playlist from a date on. spans says what is known to be recorded.
export function openRecorded(url, from, spans, video, on) {
  return Source ? play(url, video, on) : playSpans(url, from, spans, video, on);
}

const timed = (video, pieces) => ({
  date: () => (video.readyState === HTMLMediaElement.HAVE_NOTHING ? null : dateAt(pieces(), video.currentTime)),
  seek(date) {
    const position = positionAt(pieces(), date);
    if (position !== null) video.currentTime = position;
    return position !== null;
  },
});

// whyNot says why hls.js failed.
function whyNot(e) {
  if (unsupported.includes(e.details)) return new Failure("This browser cannot decode what was recorded. Download it instead.", { final: true });
  const status = e.response?.code ?? 0;
  if (status >= 400) return new Failure(reason(status), { status });
  return new Failure("Playing failed: " + (e.error?.message || e.details).split("\n")[0] + ".");
}

function play(url, video, on) {
  let hls = null, bytes = 0, closed = false;
  const start = async () => {
    const Hls = await loadHls();
    if (closed) return;
    hls = new Hls({ lowLatencyMode: false, backBufferLength: 60, fLoader: silencing(Hls, (n) => { bytes += n; }) });
    hls.on(Hls.Events.ERROR, (_, e) => { if (e.fatal) on.fail(whyNot(e)); });
    hls.loadSource(url);
    hls.attachMedia(video);
  };
  video.addEventListener("ended", on.end);
  start().catch(on.fail);
  const pieces = () => (hls?.latestLevelDetails?.fragments ?? [])
    .filter((f) => f.programDateTime)
    .map((f) => ({ position: f.start, date: f.programDateTime, duration: f.duration }));
  return {
    ...timed(video, pieces),
    bytes: () => bytes,
    close() {
      closed = true;
      video.removeEventListener("ended", on.end);
      hls?.destroy();
    },
  };
}

// playSpans leaves it to the browser, which does not say what it skips: that is reckoned by what is recorded.
function playSpans(url, from, spans, video, on) {
  const first = () => video.getStartDate?.().getTime() || from; // of the key frame
  const player = playNative({ url }, video, { end: on.end, fail: (e) => on.fail(new Failure("Playing failed: " + e.message + ".")) });
  return { ...timed(video, () => piecesOf(spans(), first())), ...player };
}
