// The list of streams. Its entries stay what they are while the streams change, so that they keep the focus and their pictures.
import { element } from "./element.js";
import { Pictures } from "./pictures.js";

export class Streams {
  #list;
  #on; // name says what a stream is called, describe what else is shown of it in two lines, choose is called with one, headers says what requests need
  #entries = new Map(); // by name
  #pictures;

  constructor(list, on) {
    this.#list = list;
    this.#on = on;
    this.#pictures = new Pictures(on.headers);
  }

  // allow says whether the visitor may see pictures of streams that he does not watch.
  allow(allowed) {
    this.#list.classList.toggle("pictured", allowed);
    this.#pictures.allow(allowed);
  }

  show(streams) {
    const gone = new Set(this.#entries.keys());
    streams.forEach((s, i) => {
      const name = this.#on.name(s), entry = this.#entries.get(name) ?? this.#add(name);
      gone.delete(name);
      this.#fill(entry, s);
      if (this.#list.children[i] !== entry.item) this.#list.insertBefore(entry.item, this.#list.children[i] ?? null);
    });
    for (const name of gone) this.#remove(name);
  }

  // press marks the one that is played.
  press(name) {
    for (const [other, entry] of this.#entries) entry.button.setAttribute("aria-pressed", String(other === name));
  }

  #add(name) {
    const item = element("li"), button = element("button", "", { type: "button" }), about = [element("small"), element("small")];
    const text = element("span", name), picture = this.#pictures.add();
    text.append(...about);
    button.append(picture, text);
    button.dataset.name = name;
    button.setAttribute("aria-pressed", "false");
    item.append(button);
    const entry = { item, button, about, picture };
    this.#entries.set(name, entry);
    return entry;
  }

  #fill(entry, s) {
    this.#on.describe(s).forEach((text, i) => {
      if (entry.about[i].textContent !== text) entry.about[i].textContent = text;
    });
    entry.button.onclick = () => this.#on.choose(s);
    this.#pictures.of(entry.picture, s);
  }

  #remove(name) {
    const entry = this.#entries.get(name);
    entry.item.remove();
    this.#pictures.remove(entry.picture);
    this.#entries.delete(name);
  }
}
