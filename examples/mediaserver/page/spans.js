// What is recorded, as a list of spans of time, oldest first, and what plays of them. Times are in milliseconds.

// backOff is how far before the end of a span one begins who would begin behind it.
const backOff = 10000;
// unfinished is what at the end of a growing span is in no segment yet.
const unfinished = 5000;

// merge puts what was found newly to what was known. What grew then is known anew.
export function merge(known, found) {
  const all = new Map(known.filter((s) => !s.growing).map((s) => [s.url, s]));
  for (const s of found) all.set(s.url, s);
  return [...all.values()].sort((a, b) => a.start - b.start);
}

// unsettled is from when on there may be something new; the beginning where nothing is known.
export function unsettled(spans, beginning) {
  const growing = spans.find((s) => s.growing);
  return growing ? growing.start : spans.at(-1)?.end ?? beginning;
}

// join makes one of those that follow each other, as the files of a recording do.
export function join(spans) {
  const joined = [];
  for (const s of spans) {
    const last = joined.at(-1);
    if (last && s.start - last.end < 1000 && last.growing === s.growing) last.end = Math.max(last.end, s.end);
    else joined.push({ ...s });
  }
  return joined;
}

const lastStart = (s) => Math.max(s.start, s.end - (s.growing ? unfinished + backOff : backOff));

// playable is from when to play for a time that somebody points at; null if there is nothing. Where nothing was recorded it is what is
// near, or else what comes next, or before for who goes backwards.
export function playable(files, at, { near = 1000, backwards = false } = {}) {
  const spans = join(files), in_ = spans.find((s) => s.start <= at && at < s.end);
  if (in_) return in_.growing ? Math.max(in_.start, Math.min(at, in_.end - unfinished)) : at;
  const distance = (s) => Math.max(s.start - at, at - s.end);
  const close = spans.reduce((best, s) => (distance(s) <= near && (!best || distance(s) < distance(best)) ? s : best), null);
  const before = spans.findLast((s) => s.end <= at), behind = spans.find((s) => s.start > at);
  const found = close ?? (backwards ? before ?? behind : behind);
  if (!found) return null;
  return found.start > at ? found.start : lastStart(found);
}

// A playlist has no gaps. It is a list of pieces, each with its position (s), its date (ms) and its duration (s).

export function dateAt(pieces, position) {
  const p = pieces.findLast((p) => p.position <= position) ?? pieces[0];
  return p ? p.date + (position - p.position) * 1000 : null;
}

// positionAt is where a date is played; null if it is not.
export function positionAt(pieces, date) {
  const p = pieces.find((p) => p.date <= date && date < p.date + p.duration * 1000);
  return p ? p.position + (date - p.date) / 1000 : null;
}

// piecesOf are those of spans that are played from a date on.
export function piecesOf(spans, date) {
  const pieces = [];
  let position = 0;
  for (const s of spans.filter((s) => s.end > date)) {
    const start = Math.max(s.start, date), duration = (s.end - start) / 1000;
    pieces.push({ position, date: start, duration });
    position += duration;
  }
  return pieces;
}
