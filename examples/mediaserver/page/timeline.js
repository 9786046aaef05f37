// The bar of a day: what was recorded, a cursor where it plays, and a range. It is a slider for the keyboard.
import { clock, timeOf } from "./clock.js";
import { element } from "./element.js";
import { join } from "./spans.js";

const steps = { ArrowRight: 10, ArrowUp: 10, ArrowLeft: -10, ArrowDown: -10, PageUp: 600, PageDown: -600 }; // seconds
const patience = 400; // ms that a key is waited for until it is sought: who wants to go far presses many
const touch = 6; // px within which a span is hit

export class Timeline {
  #bar;
  #pick; // called with the time that was chosen, and how
  #from = 0;
  #to = 1;
  #at = null; // where the cursor is
  #moving = 0; // the timer while keys move it
  #spans = element("div", "", { className: "spans" });
  #range = element("div", "", { className: "range", hidden: true });
  #cursor = element("div", "", { className: "cursor", hidden: true });
  #pointer = element("output", "", { className: "pointer", hidden: true });
  #hours = element("div", "", { className: "hours" });

  constructor(bar, pick) {
    this.#bar = bar;
    this.#pick = pick;
    bar.append(this.#hours, this.#spans, this.#range, this.#cursor, this.#pointer);
    bar.onclick = (e) => this.#click(e);
    bar.onkeydown = (e) => this.#key(e);
    bar.onpointermove = (e) => this.#point(e);
    bar.onpointerleave = () => { this.#pointer.hidden = true; };
  }

  // day shows another day, of which nothing is known yet.
  day(day) {
    clearTimeout(this.#moving);
    this.#moving = 0;
    this.#from = timeOf(day, 0);
    this.#to = timeOf(day, 24);
    this.#hours.replaceChildren(...[0, 3, 6, 9, 12, 15, 18, 21, 24].map((hour) => {
      const mark = element("span", String(hour).padStart(2, "0"));
      mark.style.left = this.#percent(timeOf(day, hour));
      return mark;
    }));
    this.#bar.setAttribute("aria-valuemax", String((this.#to - this.#from) / 1000));
    this.draw([]);
    this.range(null);
    this.cursor(null);
  }

  draw(spans) {
    this.#spans.replaceChildren(...join(spans).map((s) => {
      const block = element("div", "", { className: s.growing ? "growing" : "" });
      this.#place(block, s.start, s.end);
      return block;
    }));
  }

  // range marks a part of the day, or none.
  range(range) {
    this.#range.hidden = range === null;
    if (range) this.#place(this.#range, range.from, range.to);
  }

  // cursor says what is seen now, unless somebody just moves it; null if nothing is.
  cursor(at) {
    if (!this.#moving) this.#show(at);
  }

  // where is the time at the cursor; null if it is not in this day.
  get where() { return this.#at; }

  #show(at) {
    const inside = at !== null && at >= this.#from && at < this.#to;
    this.#at = inside ? at : null;
    this.#cursor.hidden = !inside;
    if (inside) this.#cursor.style.left = this.#percent(at);
    this.#bar.setAttribute("aria-valuenow", String(inside ? Math.round((at - this.#from) / 1000) : 0));
    this.#bar.setAttribute("aria-valuetext", inside ? clock(at) : "nothing of this day plays");
  }

  #percent(at) { return (100 * (at - this.#from)) / (this.#to - this.#from) + "%"; }

  #place(e, from, to) {
    const begin = Math.max(from, this.#from), end = Math.min(to, this.#to);
    e.style.left = this.#percent(begin);
    e.style.width = (100 * Math.max(end - begin, 0)) / (this.#to - this.#from) + "%";
  }

  #scale() { return (this.#to - this.#from) / this.#spans.getBoundingClientRect().width; } // ms a pixel

  #timeAt(event) {
    const x = event.clientX - this.#spans.getBoundingClientRect().left;
    return Math.min(Math.max(this.#from + x * this.#scale(), this.#from), this.#to - 1);
  }

  #click(event) { this.#pick(this.#timeAt(event), { near: touch * this.#scale() }); }

  #point(event) {
    this.#pointer.hidden = event.pointerType === "touch"; // a finger hides it
    this.#pointer.textContent = clock(this.#timeAt(event));
    this.#pointer.style.left = Math.min(Math.max(parseFloat(this.#percent(this.#timeAt(event))), 4), 96) + "%";
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const step = steps[event.key];
    let to = null;
    if (step) to = (this.#at ?? (step > 0 ? this.#from : this.#to)) + step * 1000;
    if (event.key === "Home") to = this.#from;
    if (event.key === "End") to = this.#to - 1;
    if (to === null) return;
    event.preventDefault();
    this.#move(Math.min(Math.max(to, this.#from), this.#to - 1), step < 0 || event.key === "End");
  }

  // move shows the cursor there at once, and seeks when no more keys come.
  #move(to, backwards) {
    this.#show(to);
    clearTimeout(this.#moving);
    this.#moving = setTimeout(() => {
      this.#moving = 0;
      this.#pick(to, { backwards });
    }, patience);
  }
}
