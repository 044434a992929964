// The phones of one step of a workload, in a process of their own: see `phones/step.mjs`.

import { createInterface } from "node:readline";
import { start, within } from "./process.mjs";

/** Milliseconds that a step, and that its end, may take. */
const PATIENCE = 180_000;
const ENDED = 10_000;

export class Phones {
  #lines;

  constructor([program, ...parameters], step, options) {
    this.child = start(program, [...parameters, ...(step ? [step] : []), JSON.stringify(options)]);
    this.#lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  /** Resolves when they are ready to begin. */
  async ready() {
    const line = await within(PATIENCE, this.child, this.#next());
    if (line !== "@ready") throw new Error(`expected to be ready, and said ${line}`);
  }

  begin() {
    this.child.stdin.write("\n");
  }

  async result() {
    return JSON.parse((await within(PATIENCE, this.child, this.#next())).slice(1));
  }

  async end() {
    this.child.stdin.end("\n");
    const late = setTimeout(() => this.child.kill("SIGKILL"), ENDED);
    await this.child.ended;
    clearTimeout(late);
  }

  /** The next line that is for the harness: libraries print what they like. */
  async #next() {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (!done && value.startsWith("@")) return value;
      if (done) {
        await this.child.ended;
        throw new Error(`the phones ended: ${this.child.said().split("\n").slice(-3).join(" ")}`);
      }
    }
  }
}
