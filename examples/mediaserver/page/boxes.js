// Reads as much of MP4's boxes (ISO/IEC 14496-12) as it takes to leave tracks out of a fragmented one.
const largest = 64 << 20;

const u32 = (bytes, at) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
const typeAt = (bytes, at) => String.fromCharCode(...bytes.subarray(at, at + 4));

// boxes yields those in a range of bytes, as far as they are whole.
export function* boxes(bytes, at = 0, end = bytes.length) {
  while (end - at >= 8) {
    const size = u32(bytes, at);
    if (size < 8 || size > largest) throw new Error("this is no MP4");
    if (size > end - at) return;
    yield { type: typeAt(bytes, at + 4), start: at, body: at + 8, end: at + size };
    at += size;
  }
}

// inside returns the boxes of a type in another; find the first by a path.
const inside = (bytes, box, type) => [...boxes(bytes, box.body, box.end)].filter((b) => b.type === type);
const find = (bytes, box, ...path) => path.reduce((in_, type) => in_ && inside(bytes, in_, type)[0], box);

// hide makes a box one that is passed over, without moving what is behind it.
const hide = (bytes, box) => bytes.set([..."free"].map((c) => c.charCodeAt(0)), box.start + 4);

// codecOf names the codec of a track by the type of its sample entry, in small letters.
const codecOf = (bytes, trak) => typeAt(bytes, find(bytes, trak, "mdia", "minf", "stbl", "stsd").body + 12).toLowerCase();

// tracks are those of an initialization segment.
const tracks = (bytes) => [...boxes(bytes)].filter((b) => b.type === "moov").flatMap((moov) => inside(bytes, moov, "trak"));

// sampleEntries are the codecs of an initialization segment.
export const sampleEntries = (bytes) => tracks(bytes).map((trak) => codecOf(bytes, trak));

// Joiner puts pieces together, and gives away whole boxes.
export class Joiner {
  #rest = new Uint8Array(0);

  add(piece) {
    const all = new Uint8Array(this.#rest.length + piece.length);
    all.set(this.#rest);
    all.set(piece, this.#rest.length);
    let end = 0;
    for (const box of boxes(all)) end = box.end;
    this.#rest = all.slice(end);
    return all.subarray(0, end);
  }
}

// Filter leaves tracks out, in place.
export class Filter {
  #hidden = new Set(); // the numbers of tracks

  // keep hides the tracks of an initialization segment but the first of each codec in names, and returns how many are left.
  keep(bytes, names) {
    const wanted = new Set(names);
    this.#hidden.clear();
    let left = 0;
    for (const moov of [...boxes(bytes)].filter((b) => b.type === "moov")) {
      for (const trak of inside(bytes, moov, "trak")) {
        if (wanted.delete(codecOf(bytes, trak))) {
          left++;
          continue;
        }
        const head = find(bytes, trak, "tkhd");
        this.#hidden.add(u32(bytes, head.body + (bytes[head.body] === 1 ? 20 : 12)));
        hide(bytes, trak);
      }
      const extends_ = find(bytes, moov, "mvex");
      for (const trex of extends_ ? inside(bytes, extends_, "trex") : []) {
        if (this.#hidden.has(u32(bytes, trex.body + 4))) hide(bytes, trex);
      }
    }
    return left;
  }

  // fragments hides what belongs to hidden tracks.
  fragments(bytes) {
    if (this.#hidden.size === 0) return;
    for (const moof of [...boxes(bytes)].filter((b) => b.type === "moof")) {
      for (const traf of inside(bytes, moof, "traf")) {
        if (this.#hidden.has(u32(bytes, find(bytes, traf, "tfhd").body + 4))) hide(bytes, traf);
      }
    }
  }
}

// startsFile reports whether there is an initialization segment in bytes.
export const startsFile = (bytes) => [...boxes(bytes)].some((b) => b.type === "moov");

// sampleEntry is what MP4 calls a codec, by its name for browsers.
export const sampleEntry = (track) => track.mime.split(".")[0].toLowerCase();
