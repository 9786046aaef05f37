// The list of files, newest first. Rows stay what they are while files grow, so that they keep the focus.
import { clock, length, size } from "./clock.js";
import { element } from "./element.js";

export class Files {
  #table;
  #rows = new Map(); // by the address of the file
  #on; // play is called with a time; download says where a span can be had

  constructor(table, on) {
    this.#table = table;
    this.#on = on;
  }

  show(spans) {
    const gone = new Set(this.#rows.keys());
    for (const s of spans) {
      gone.delete(s.url);
      if (!this.#rows.has(s.url)) this.#add(s.url);
      this.#fill(this.#rows.get(s.url), s);
    }
    for (const url of gone) {
      this.#rows.get(url).row.remove();
      this.#rows.delete(url);
    }
    this.#table.hidden = spans.length === 0;
  }

  #add(url) {
    const row = element("tr"), play = element("button", "", { type: "button" }), mark = element("small");
    const link = element("a", "Download", { download: "" });
    const cells = [element("td"), element("td"), element("td"), element("td")];
    cells[0].append(play, mark);
    cells[3].append(link);
    row.append(...cells);
    this.#table.tBodies[0].prepend(row);
    this.#rows.set(url, { row, play, mark, link, long: cells[1], large: cells[2] });
  }

  #fill(r, s) {
    const start = clock(s.start);
    r.play.textContent = start;
    r.play.setAttribute("aria-label", "Play from " + start);
    r.play.onclick = () => this.#on.play(s.start);
    r.mark.textContent = s.growing ? "being recorded" : "";
    r.long.textContent = length((s.end - s.start) / 1000);
    r.large.textContent = size(s.size);
    r.link.href = this.#on.download(s);
    r.link.setAttribute("aria-label", "Download the file from " + start);
  }
}
