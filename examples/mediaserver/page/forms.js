// Which of the forms that the server offers this browser can play, and what of a stream is played by them.

// Source is the MediaSource of this browser; iPhones have another one, and old ones none.
export const Source = self.MediaSource ?? self.ManagedMediaSource;

const sample = document.createElement("video");
export const nativeHLS = () => sample.canPlayType("application/vnd.apple.mpegurl") !== "";

// forms are what the page offers, the first of those that play most of a stream is the one it takes by itself. What a player
// understands of its container is listed, by the codec names of the API; a form without a list takes what the browser decodes.
// "drops" says that the player can leave a sound out that the browser cannot decode.
export const forms = [
  { id: "http", name: "HTTP-FLV", player: "mpegts", type: "flv", video: ["H264", "H265"], audio: ["mpeg4-generic", "MP3"], drops: true },
  { id: "ws", name: "WS-FLV", player: "mpegts", type: "flv", video: ["H264", "H265"], audio: ["mpeg4-generic", "MP3"], drops: true },
  { id: "fmp4", name: "HTTP-fMP4", player: "mse", drops: true },
  { id: "ws-fmp4", name: "WS-fMP4", player: "mse", drops: true },
  { id: "ts", name: "HTTP-TS", player: "mpegts", type: "mpegts", video: ["H264", "H265"], audio: ["mpeg4-generic", "MP3", "opus"] },
  { id: "llhls", name: "LL-HLS", player: "hls", drops: true },
  { id: "hls", name: "HLS", player: "hls", video: ["H264"], audio: ["mpeg4-generic", "MP3"] },
];

// canDecode reports whether the browser can decode a track, wherever it comes from.
export function canDecode(track) {
  if (!track.mime) return false;
  const type = (track.video ? "video" : "audio") + '/mp4; codecs="' + track.mime + '"';
  return Source ? Source.isTypeSupported(type) : sample.canPlayType(type) !== "";
}

// mainTracks are the pictures of a stream or, if it has none, its sounds.
export function mainTracks(stream) {
  const pictures = stream.tracks.filter((t) => t.video);
  return pictures.length > 0 ? pictures : stream.tracks;
}

// pick returns the track of a kind that a form plays.
function pick(stream, form, video) {
  const known = video ? form.video : form.audio;
  return stream.tracks.find((t) => t.video === video && canDecode(t) && (!known || known.includes(t.codec)));
}

// deaf reports whether a sound spoils the whole, since the player does not leave it out.
const deaf = (stream, form) => !form.drops && stream.tracks.some((t) => !t.video && !canDecode(t) && (form.audio ?? [t.codec]).includes(t.codec));

// planOf says what of a stream a form plays, or null if it plays nothing.
function planOf(stream, form) {
  const url = stream.urls[form.name];
  const native = !Source;
  if (!url || (native && !(form.player === "hls" && nativeHLS()))) return null;
  const plan = { form, url, native, stream, video: pick(stream, form, true), audio: pick(stream, form, false) };
  const plays = mainTracks(stream).includes(plan.video ?? plan.audio); // a sound without its picture is of no use
  return plays && !deaf(stream, form) ? plan : null;
}

// offered reports whether the server offers a stream in a form.
export const offered = (stream, form) => form.name in stream.urls;

// choose returns how to play a stream by the form that is wished for, or by the best; null if there is no way.
export function choose(stream, wish) {
  const worth = (plan) => (plan.video ? 2 : 0) + (plan.audio ? 1 : 0);
  const plans = forms.filter((f) => wish === "auto" || f.id === wish).map((f) => planOf(stream, f)).filter((p) => p);
  return plans.reduce((best, plan) => (best === null || worth(plan) > worth(best) ? plan : best), null);
}
