// The command line.

import { parseArgs } from "node:util";
import { PEERS } from "./peers.mjs";

export const USAGE = `node tests/peers/run.mjs [--quick] [--only PEER,…] [--json] [--write] [--bench FILE]
node tests/peers/run.mjs --redraw FILE [--json] [--write]

Runs sync servers of the same kind (${PEERS.map((peer) => peer.name).join(", ")}) and Carnet's
benchmark on the same workloads, and prints what each costs and how many times more than Carnet. What it finds
goes to target/peers as results.json, table.md and peers.svg.

  --quick        little of everything, to see that it works
  --only PEER    these peers only, beside Carnet
  --json         print JSON
  --write        put the table into docs/performance.md and the picture beside it (a full run only)
  --bench FILE   Carnet's benchmark, already built
  --redraw FILE  measure nothing: report a results.json again`;

/** A command line that cannot be followed; says why. */
export class BadOptions extends Error {}

/** Refuses to write down a quick run, or one of some peers. */
export function mustBeFull(quick, peers) {
  if (quick || peers.length < PEERS.length) throw new BadOptions("only a full run of all peers is written down");
}

/** Reads the words of a command line. */
export function read(words) {
  const text = { type: "string" };
  const flag = { type: "boolean", default: false };
  const only = { ...text, multiple: true, default: [] };
  const known = { quick: flag, only, json: flag, write: flag, bench: text, redraw: text, help: flag };
  let options;
  try {
    options = parseArgs({ args: words, options: known }).values;
  } catch (error) {
    throw new BadOptions(error.message);
  }
  const names = options.only.flatMap((name) => name.split(","));
  const unknown = names.find((name) => !PEERS.some((peer) => peer.name === name));
  if (unknown !== undefined) throw new BadOptions(`there is no peer "${unknown}"`);
  const peers = PEERS.filter((peer) => names.length === 0 || names.includes(peer.name));
  if (options.write) mustBeFull(options.quick, peers);
  return { ...options, peers };
}
