// A loader for hls.js that leaves out a sound which the browser cannot decode, as that of many cameras: else nothing would play.
import { Filter, sampleEntries, startsFile } from "./boxes.js";
import { Source } from "./forms.js";
import { sifting } from "./sifting.js";

const telephone = ["alaw", "ulaw"]; // G.711

const canHear = (codec) => Source.isTypeSupported('audio/mp4; codecs="' + codec + '"');

// silencing makes one, which tells count how many bytes came.
export function silencing(Hls, count) {
  const filter = new Filter();
  const sift = (data) => {
    if (startsFile(data)) filter.keep(data, sampleEntries(data).filter((codec) => !telephone.includes(codec) || canHear(codec)));
    filter.fragments(data);
  };
  return sifting(Hls, sift, count);
}
