// The phones of one step of a workload, in a process of their own: see `phones/step.mjs`.

import { createInterface } from "node:readline";
import { start } from "./process.mjs";

export class Phones {
  #lines;

  constructor([program, ...parameters], step, options) {
    this.child = start(program, [...parameters, ...(step ? [step] : []), JSON.stringify(options)]);
    this.#lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  /** Resolves when they are ready to begin. */
  async ready() {
    const line = await this.#next();
    if (line !== "@ready") throw new Error(`expected to be ready, and said ${line}`);
  }

  begin() {
    this.child.stdin.write("\n");
  }

  async result() {
    return JSON.parse((await this.#next()).slice(1));
  }

  async end() {
    this.child.stdin.end("\n");
    await this.child.ended;
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
