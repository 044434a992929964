// One step of a workload, in a process of its own beside the server: `node phones.mjs STEP OPTIONS`, the
// options as JSON. It talks to the harness in lines: `@ready` before what is measured, then it waits for a
// line; `@` and JSON when it has a result, and it waits for a line to end. What goes wrong goes to standard
// error.

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
