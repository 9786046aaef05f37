// Failure is an error of which it is known whether to try again, and the HTTP status that it came with.
export class Failure extends Error {
  constructor(text, { status = 0, final = false } = {}) {
    super(text);
    this.status = status;
    this.final = final;
  }
}
