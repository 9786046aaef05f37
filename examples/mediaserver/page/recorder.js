// The button that starts and stops the recording of a stream, for who may call the API.
import { call, gone, refused } from "./call.js";

export class Recorder {
  #button;
  #trouble;
  #on; // headers says what calls need, changed is called when a recording has begun or ended
  #stream = null;
  #allowed = false;
  #name = ""; // of the stream that was shown last

  constructor(button, trouble, on) {
    this.#button = button;
    this.#trouble = trouble;
    this.#on = on;
    button.onclick = () => this.#toggle();
  }

  // of is told the stream that is shown, as the server lists it; null if it is not live.
  of(stream) {
    const name = stream ? [stream.vhost, stream.app, stream.stream].join("/") : "";
    if (name !== this.#name) this.#say("");
    this.#name = name;
    this.#stream = stream;
    this.#show();
  }

  // allow says whether the visitor may call the API.
  allow(allowed) {
    this.#allowed = allowed;
    if (!allowed) this.#say("");
    this.#show();
  }

  #show() {
    const on = this.#stream?.recording ?? false, text = on ? "Stop recording" : "Record";
    this.#button.hidden = !this.#allowed || this.#stream === null;
    this.#button.classList.toggle("on", on);
    if (this.#button.textContent !== text) this.#button.textContent = text;
  }

  async #toggle() {
    const stream = this.#stream, on = stream.recording;
    this.#button.disabled = true;
    this.#say("");
    try {
      const { vhost, app } = stream;
      const reply = await call(on ? "stopRecord" : "startRecord", { type: 1, vhost, app, stream: stream.stream }, this.#on.headers());
      if (reply.code !== 0) this.#say(whyNot(on, reply));
    } catch {
      this.#say("The server does not answer.");
    }
    await this.#on.changed();
    this.#button.disabled = false;
  }

  #say(text) { this.#trouble.textContent = text; }
}

function whyNot(on, reply) {
  if (reply.code === refused) return "You are not logged in any more.";
  if (reply.code === gone) return "The stream is not live any more.";
  return "Recording did not " + (on ? "stop: " : "start: ") + reply.msg + ".";
}
