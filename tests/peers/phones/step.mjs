// One step of a workload, in a process of its own beside the server: `node phones.mjs STEP OPTIONS`, the
// options as JSON. It talks to the harness in lines: `@ready` before what is measured, then it waits for a
// line; `@` and JSON when it has a result, and waits for a
// line to end. What goes wrong goes to standard error.

import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Says that all is prepared, and waits to be told to begin. */
export async function begin() {
  process.stdout.write("@ready\n");
  await lines.next();
}

/**
 * Runs the step that the command line names, of an object of functions from options to a result, and stays
 * until the harness has looked at the server.
 */
export async function main(steps) {
  const [name, options] = process.argv.slice(2);
  const result = await steps[name](JSON.parse(options));
  process.stdout.write(`@${JSON.stringify(result)}\n`);
  await lines.next();
  process.exit(0);
}

/** Milliseconds that something takes. */
export async function timed(work) {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Does the work for every item, so many at a time; gives the results in order. */
export async function inTurn(items, width, work) {
  const results = [];
  let next = 0;
  const one = async () => {
    while (next < items.length) {
      const place = next++;
      results[place] = await work(items[place]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, one));
  return results;
}

/** The whole numbers from a first one up to another, without it. */
export const range = (from, to) => Array.from({ length: to - from }, (_, place) => from + place);

/** Milliseconds of a pause between live edits, or to let something settle that says nothing of itself. */
export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
