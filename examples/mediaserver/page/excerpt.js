// The form that downloads a part of a day as one file. What is left empty is the beginning of the day, and its end.
import { clock, timeOf } from "./clock.js";
import { Failure } from "./failure.js";

const longest = 24 * 3600 * 1000; // that the server puts into one file

export class Excerpt {
  #form;
  #on; // day says which it is, where the time at the cursor, changed is told the range, and get is to fetch it

  constructor(form, on) {
    this.#form = form;
    this.#on = on;
    form.oninput = () => this.#changed();
    form.onsubmit = (e) => {
      e.preventDefault();
      this.#get();
    };
    form.elements.fromHere.onclick = () => this.#take(form.elements.from);
    form.elements.toHere.onclick = () => this.#take(form.elements.to);
  }

  // clear takes the whole day.
  clear() {
    this.#form.reset();
    this.#say("");
  }

  // here says whether there is a cursor whose time can be taken.
  here(there) {
    this.#form.elements.fromHere.disabled = this.#form.elements.toHere.disabled = !there;
  }

  #time(input, otherwise) {
    if (!input.value) return timeOf(this.#on.day(), otherwise);
    return timeOf(this.#on.day(), ...input.value.split(":").map(Number));
  }

  #range() {
    const { from, to } = this.#form.elements;
    const range = { from: this.#time(from, 0), to: Math.min(this.#time(to, 24), Date.now()) };
    if (range.to <= range.from) throw new Failure("The end is to be behind the beginning.");
    if (range.to - range.from > longest) throw new Failure("That is more than 24 hours. Choose less time.");
    return range;
  }

  #take(input) {
    input.value = clock(this.#on.where());
    this.#changed();
  }

  #changed() {
    const { from, to } = this.#form.elements;
    let range = null;
    try {
      if (from.value || to.value) range = this.#range();
      this.#say("");
    } catch (e) {
      this.#say(e.message);
    }
    this.#on.changed(range);
  }

  async #get() {
    const button = this.#form.elements.get;
    button.disabled = true;
    try {
      this.#say("");
      await this.#on.get(this.#range());
    } catch (e) {
      this.#say(e.message);
    } finally {
      button.disabled = false;
    }
  }

  #say(text) { this.#form.querySelector("[role=alert]").textContent = text; }
}
