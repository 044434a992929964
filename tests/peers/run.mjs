#!/usr/bin/env node
// Runs the peers beside Carnet: see `--help`.

import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { measureCarnet } from "./harness/carnet.mjs";
import { CLONE, MADE, NotInstalled, builtBenchmark, install } from "./harness/install.mjs";
import { Bench } from "./harness/measure.mjs";
import { BadOptions, USAGE, mustBeFull, read } from "./harness/options.mjs";
import { FULL, QUICK } from "./harness/scale.mjs";
import { place } from "./report/document.mjs";
import { ratios } from "./report/metrics.mjs";
import { plot } from "./report/plot.mjs";
import { page } from "./report/page.mjs";
import { columns, failures } from "./report/table.mjs";

const started = Date.now();

function say(what) {
  const seconds = Math.round((Date.now() - started) / 1e3);
  process.stderr.write(`[${String(seconds).padStart(3)} s] ${what}\n`);
}

async function measure({ quick, peers, bench }) {
  const scale = quick ? QUICK : FULL;
  const installed = await install(peers, say);
  const program = bench ?? (await builtBenchmark(say));
  const carnet = await measureCarnet(path.resolve(program), scale, quick, say);
  const servers = [{ name: "carnet", title: "Carnet", version: commit(), layout: "", ...carnet }];
  for (const peer of peers) {
    const measured = new Bench(peer, installed, scale, say);
    try {
      const { name, title, layout } = peer;
      servers.push({ name, title, version: peer.version(installed), layout, ...(await measured.all()) });
    } finally {
      measured.remove();
    }
  }
  const machine = { cores: os.availableParallelism(), processor: os.cpus()[0]?.model, memory: os.totalmem() };
  const results = { measured: new Date().toISOString(), machine, quick, scale, servers };
  return { ...results, ratios: ratios(results) };
}

/** The commit that Carnet is of, if this is a clone. */
function commit() {
  try {
    return execFileSync("git", ["describe", "--always", "--dirty"], { cwd: CLONE, encoding: "utf8", stdio: "pipe" }).trim();
  } catch {
    return undefined;
  }
}

/** Results that an earlier run kept. */
function earlier(file) {
  try {
    return JSON.parse(fs.readFileSync(file, "utf8"));
  } catch (error) {
    throw new BadOptions(`${file} holds no results: ${error.message}`);
  }
}

/** Keeps the results below `target`, and in the documents if that is asked. */
function keep(results, { write }) {
  if (write) mustBeFull(results.quick, results.servers.slice(1));
  fs.mkdirSync(MADE, { recursive: true });
  fs.writeFileSync(path.join(MADE, "results.json"), `${JSON.stringify(results, undefined, 1)}\n`);
  fs.writeFileSync(path.join(MADE, "table.md"), `${page(results)}\n`);
  fs.writeFileSync(path.join(MADE, "peers.svg"), plot(results));
  if (!write) return;
  const document = path.join(CLONE, "docs", "performance.md");
  fs.writeFileSync(document, place(fs.readFileSync(document, "utf8"), "peers", page(results)));
  fs.writeFileSync(path.join(CLONE, "docs", "peers.svg"), plot(results));
}

async function main() {
  const options = read(process.argv.slice(2));
  if (options.help) return console.log(USAGE);
  const results = options.redraw ? earlier(options.redraw) : await measure(options);
  keep(results, options);
  console.log(options.json ? JSON.stringify(results, undefined, 1) : columns(results));
  const failed = failures(results);
  for (const line of failed) say(`not measured: ${line}`);
  say(`results.json, table.md and peers.svg are in ${path.relative(process.cwd(), MADE)}`);
  if (failed.length > 0) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  const known = error instanceof NotInstalled || error instanceof BadOptions;
  process.stderr.write(`peers: ${known ? error.message : error.stack}\n`);
  process.exitCode = error instanceof BadOptions ? 2 : 1;
}
