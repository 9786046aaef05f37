// The button that starts and stops the recording of a stream, for who may call the API.
const refused = -100, gone = -500; // codes of the API

export class Recorder {
  #button;
  #trouble;
  #on; // headers says what calls need, changed is called when a recording has begun or ended
  #stream = null;
  #allowed = false;
  #asked = ""; // the name of the stream for which it was asked whether that is allowed

  constructor(button, trouble, on) {
    this.#button = button;
    this.#trouble = trouble;
    this.#on = on;
    button.onclick = () => this.#toggle();
  }

  // of is told the stream that is shown, as the server lists it; null if it is not live.
  of(stream) {
    const name = stream ? [stream.vhost, stream.app, stream.stream].join("/") : "";
    if (name !== this.#asked) {
      this.forget();
      this.#asked = name;
      if (stream) this.#ask(stream);
    }
    this.#stream = stream;
    this.#show();
  }

  // forget makes it ask anew what is allowed, such as after a login.
  forget() {
    this.#asked = "";
    this.#allowed = false;
    this.#say("");
    this.#show();
  }

  #show() {
    const on = this.#stream?.recording ?? false, text = on ? "Stop recording" : "Record";
    this.#button.hidden = !this.#allowed || this.#stream === null;
    this.#button.classList.toggle("on", on);
    if (this.#button.textContent !== text) this.#button.textContent = text;
  }

  async #ask(stream) {
    const asked = this.#asked;
    const { code } = await this.#call("isRecording", stream).catch(() => ({ code: refused }));
    if (asked !== this.#asked) return;
    this.#allowed = code !== refused;
    this.#show();
  }

  async #toggle() {
    const stream = this.#stream, on = stream.recording;
    this.#button.disabled = true;
    this.#say("");
    try {
      const reply = await this.#call(on ? "stopRecord" : "startRecord", stream);
      if (reply.code !== 0) this.#say(whyNot(on, reply));
    } catch {
      this.#say("The server does not answer.");
    }
    await this.#on.changed();
    this.#button.disabled = false;
  }

  // call makes a call of the API about recording MP4.
  async #call(name, s) {
    const body = new URLSearchParams({ type: "1", vhost: s.vhost, app: s.app, stream: s.stream });
    const reply = await fetch("index/api/" + name, { method: "POST", cache: "no-store", headers: this.#on.headers(), body });
    return reply.json();
  }

  #say(text) { this.#trouble.textContent = text; }
}

function whyNot(on, reply) {
  if (reply.code === refused) return "You are not logged in any more.";
  if (reply.code === gone) return "The stream is not live any more.";
  return "Recording did not " + (on ? "stop: " : "start: ") + reply.msg + ".";
}
