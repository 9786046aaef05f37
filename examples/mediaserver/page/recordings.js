// The section of what was recorded of a stream: a day of it, to be played and downloaded.
import { address, check, spans as list } from "./archive.js";
import { clock, dayOf, length, shift, timeOf } from "./clock.js";
import { element } from "./element.js";
import { Excerpt } from "./excerpt.js";
import { Files } from "./files.js";
import { openRecorded } from "./playback.js";
import { merge, playable, unsettled } from "./spans.js";
import { Timeline } from "./timeline.js";

const $ = (id) => document.getElementById(id);
const longest = 2 * 3600 * 1000; // of a playlist: more are played one after the other
const refreshed = 3000; // how often it is looked for more, while more comes

export class Recordings {
  #on; // app comes to say what the app of recordings is, play lets a player have the video, resume lets it play, live goes back
  #app = "";
  #stream = null;
  #recording = false; // more comes
  #day = dayOf(Date.now());
  #spans = []; // of the day
  #asking = null; // the question that is not answered yet: answers to older ones are of no interest
  #player = null; // while it has the video
  #watched = false; // since anything live was
  #timeline = new Timeline($("timeline"), (at, how) => this.#playFrom(at, how));
  #files = new Files($("files"), { play: (at) => this.#playFrom(at), download: (s) => this.#download(s) });
  #excerpt = new Excerpt($("excerpt"), {
    day: () => this.#day, where: () => this.#timeline.where, changed: (r) => this.#timeline.range(r), get: (r) => this.#get(r),
  });

  constructor(on) {
    this.#on = on;
    $("recordings").ontoggle = () => this.#load();
    $("day").onchange = () => this.#show($("day").value || dayOf(Date.now()));
    $("day-before").onclick = () => this.#show(shift(this.#day, -1));
    $("day-after").onclick = () => this.#show(shift(this.#day, 1));
    $("back").onclick = () => on.live();
    setInterval(() => this.#follow(), 250);
    setInterval(() => this.#refresh(), refreshed);
  }

  // of shows those of a stream.
  of(stream) {
    $("recordings").hidden = false;
    this.#watched = false;
    if (this.#stream && sameStream(stream, this.#stream)) return;
    this.#stream = stream;
    this.#recording = false;
    this.#show(dayOf(Date.now()));
  }

  open() { $("recordings").open = true; }

  // state says whether the stream is live, and whether it is being recorded.
  state(live, recording) {
    if (recording !== this.#recording) {
      this.#recording = recording;
      this.#refresh(true);
    }
    $("back").hidden = !live || !this.#watched;
  }

  #show(day) {
    const today = dayOf(Date.now());
    this.#day = day > today ? today : day;
    $("day").value = this.#day;
    $("day").max = today;
    $("day-after").disabled = this.#day === today;
    this.#timeline.day(this.#day);
    this.#excerpt.clear();
    this.#load();
  }

  // load asks for the whole day, once somebody wants to see it.
  #load() {
    this.#spans = [];
    this.#draw();
    if (!$("recordings").open || !this.#stream) return;
    $("recorded").textContent = "Looking for recordings…";
    this.#ask(timeOf(this.#day, 0));
  }

  // refresh asks for what is new, if there may be something.
  #refresh(sure = false) {
    const growing = this.#recording || this.#spans.some((s) => s.growing);
    if (!$("recordings").open || !this.#stream || document.hidden || this.#day !== dayOf(Date.now()) || !(sure || growing)) return null;
    return this.#asking ?? this.#ask(unsettled(this.#spans, timeOf(this.#day, 0)));
  }

  #ask(from) {
    const asking = this.#answer(from, () => this.#asking === asking).finally(() => { if (this.#asking === asking) this.#asking = null; });
    return this.#asking = asking;
  }

  async #answer(from, wanted) {
    const stream = this.#stream, end = timeOf(this.#day, 24);
    try {
      this.#app = await this.#on.app;
      const found = await list(this.#app, stream, from, Math.min(end, Math.max(Date.now(), from)));
      if (!wanted()) return;
      this.#spans = merge(this.#spans, found);
      this.#draw();
      this.#tell();
    } catch (e) {
      if (wanted()) this.#tell(e.message);
    }
  }

  #draw() {
    this.#timeline.draw(this.#spans);
    this.#files.show(this.#spans);
    $("excerpt").hidden = this.#spans.length === 0;
  }

  #tell(trouble) {
    const seconds = this.#spans.reduce((sum, s) => sum + (s.end - s.start) / 1000, 0), n = this.#spans.length;
    const found = n === 0 ? "Nothing was recorded on this day." : length(seconds) + " in " + n + (n === 1 ? " file." : " files.");
    const text = trouble ?? found;
    $("recorded").classList.toggle("bad", trouble !== undefined);
    if ($("recorded").textContent !== text) $("recorded").textContent = text;
  }

  #playFrom(at, how) {
    const from = playable(this.#spans, at, how);
    if (from === null) {
      this.#timeline.cursor(this.#player?.date() ?? null);
      this.#tell("Nothing was recorded after " + clock(at) + ".");
      return;
    }
    this.#tell();
    if (this.#player?.seek(from)) this.#on.resume();
    else this.#open(from);
  }

  #open(from) {
    const day = this.#day;
    const to = Math.min(from + longest, timeOf(this.#day, 24)), spans = () => this.#spans;
    const url = address(this.#app, this.#stream, ".m3u8", from, to < Date.now() ? to : undefined);
    let last = from;
    this.#on.play(this.#stream, (video, on) => {
      const end = () => this.#ended(day, last, on.end);
      const player = openRecorded(url, from, spans, video, { ...on, end });
      const date = () => (last = player.date() ?? last);
      return this.#player = { ...player, date, close: () => this.#left(player) };
    });
    this.#watched = true;
    this.#follow();
  }

  // left is called when the video goes to somebody else.
  #left(player) {
    this.#player = null;
    player.close();
    this.#follow();
  }

  // ended goes on behind a playlist that has ended at a time.
  async #ended(day, at, end) {
    const player = this.#player;
    await this.#refresh();
    if (player !== this.#player) return;
    const next = day === this.#day && this.#spans.find((s) => s.end > at + 2000);
    if (next) this.#open(Math.max(next.start, at));
    else end();
  }

  // follow moves the cursor along.
  #follow() {
    const at = this.#player?.date() ?? null;
    this.#timeline.cursor(at);
    $("clock").textContent = at === null ? "" : clock(at);
    if (!this.#watched) $("back").hidden = true;
    this.#excerpt.here(this.#timeline.where !== null);
  }

  // download is where the file of a span can be had: one that grows has no address of its own yet.
  #download(s) {
    return s.growing ? address(this.#app, this.#stream, ".mp4", s.start, s.end) : s.url;
  }

  async #get(range) {
    const url = address(this.#app, this.#stream, ".mp4", range.from, range.to);
    await check(url);
    element("a", "", { href: url, download: "" }).click();
  }
}

const sameStream = (a, b) => a.vhost === b.vhost && a.app === b.app && a.stream === b.stream;
