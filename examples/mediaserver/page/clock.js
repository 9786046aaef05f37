// Days and times of day where the visitor is. A day is as in 2026-11-27; a time is in milliseconds since 1970. Days are not all of 24
// hours: that is why nothing is reckoned by their length.
const two = (n) => String(n).padStart(2, "0");
const partsOf = (day) => day.split("-").map(Number);

export function dayOf(at) {
  const d = new Date(at);
  return String(d.getFullYear()).padStart(4, "0") + "-" + two(d.getMonth() + 1) + "-" + two(d.getDate());
}

// timeOf is the time that the clock shows on a day. Hour 24 is when it ends.
export function timeOf(day, hour, minute = 0, second = 0) {
  const [y, m, d] = partsOf(day);
  return new Date(y, m - 1, d, hour, minute, second).getTime();
}

// shift is the day so many days later.
export function shift(day, days) {
  const [y, m, d] = partsOf(day);
  return dayOf(new Date(y, m - 1, d + days, 12));
}

export function clock(at) {
  const d = new Date(at);
  return two(d.getHours()) + ":" + two(d.getMinutes()) + ":" + two(d.getSeconds());
}

// length is how long something lasts, in seconds, as 4:05 or 1:04:05.
export function length(seconds) {
  const s = Math.round(seconds), h = Math.floor(s / 3600), m = Math.floor(s / 60) % 60;
  return (h > 0 ? h + ":" + two(m) : String(m)) + ":" + two(s % 60);
}

export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let i = 0;
  for (; bytes >= 1000 && i + 1 < units.length; i++) bytes /= 1000;
  return (i === 0 || bytes >= 100 ? Math.round(bytes) : bytes.toFixed(1)) + " " + units[i];
}
