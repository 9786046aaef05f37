// Plays a stream in one of the forms. Each player calls on.end when the stream has ended, and on.fail with a Failure; it has
// close and, for the figures, bytes (in all) or rate (kbit/s), and latency (s).
import { Failure } from "./failure.js";
import { playMSE } from "./mse.js";
import { Filter, sampleEntry, startsFile } from "./boxes.js";
import { sifting } from "./sifting.js";

export function open(plan, video, on) {
  const play = plan.native ? playNative : { mpegts: playMpegts, mse: playMSE, hls: playHLS }[plan.form.player];
  return play(plan, video, on);
}

function playMpegts(plan, video, on) {
  const part = (track) => (track ? undefined : false); // undefined lets the player find out
  const player = mpegts.createPlayer(
    { type: plan.form.type, isLive: true, url: plan.url, hasVideo: part(plan.video), hasAudio: part(plan.audio) },
    { liveBufferLatencyChasing: true, enableStashBuffer: false },
  );
  player.on(mpegts.Events.ERROR, (kind, detail, info) => on.fail(new Failure(kind + ", " + detail, {
    status: detail === mpegts.ErrorDetails.NETWORK_STATUS_CODE_INVALID ? info?.code : 0,
    final: detail === mpegts.ErrorDetails.MEDIA_CODEC_UNSUPPORTED,
  })));
  player.on(mpegts.Events.LOADING_COMPLETE, on.end);
  player.attachMediaElement(video);
  player.load();
  return { rate: () => (player.statisticsInfo?.speed ?? 0) * 8, close: () => player.destroy() };
}

// loadHls loads the player only for who needs it.
export const loadHls = async () => (await import("./hls.mjs")).default;

export const unsupported = ["manifestIncompatibleCodecsError", "bufferIncompatibleCodecsError", "bufferAddCodecError"];

function playHLS(plan, video, on) {
  let hls = null, bytes = 0, closed = false;
  const start = async () => {
    const Hls = await loadHls();
    if (closed) return;
    hls = new Hls({
      lowLatencyMode: plan.form.id === "llhls", maxLiveSyncPlaybackRate: 1.25, liveSyncOnStallIncrease: 0.1, backBufferLength: 10, liveDurationInfinity: true,
      fLoader: filtering(Hls, plan, (n) => { bytes += n; }),
    });
    hls.on(Hls.Events.ERROR, (_, e) => {
      if (!e.fatal) return;
      on.fail(new Failure((e.error?.message || e.details).split("\n")[0], { status: e.response?.code ?? 0, final: unsupported.includes(e.details) }));
    });
    hls.loadSource(plan.url);
    hls.attachMedia(video);
  };
  // Who begins far behind, as the first viewer does, would be long in catching up by playing faster.
  const timer = setInterval(() => {
    const far = hls?.config.lowLatencyMode && !video.paused && !video.seeking && hls.latency > hls.targetLatency + 1;
    if (far && hls.liveSyncPosition > video.currentTime) video.currentTime = hls.liveSyncPosition;
  }, 3000);
  video.addEventListener("ended", on.end);
  start().catch((e) => on.fail(e));
  return {
    bytes: () => bytes,
    latency: () => hls?.latency ?? 0,
    close() {
      closed = true;
      clearInterval(timer);
      video.removeEventListener("ended", on.end);
      hls?.destroy();
      video.playbackRate = 1;
    },
  };
}

// filtering is a loader of segments and parts that leaves out the sound that the browser lacks, and counts.
function filtering(Hls, plan, count) {
  const filter = new Filter(), names = [plan.video, plan.audio].filter((t) => t).map(sampleEntry);
  const sift = (data) => {
    if (plan.form.id !== "llhls") return;
    if (startsFile(data)) filter.keep(data, names);
    filter.fragments(data);
  };
  return sifting(Hls, sift, count);
}

// playNative leaves it to the browser.
export function playNative(plan, video, on) {
  const failed = () => on.fail(new Failure(video.error?.message || "the browser does not say why"));
  video.addEventListener("ended", on.end);
  video.addEventListener("error", failed);
  video.src = plan.url;
  return {
    close() {
      video.removeEventListener("ended", on.end);
      video.removeEventListener("error", failed);
      video.removeAttribute("src");
      video.load();
    },
  };
}
