// Carnet's side: what its own benchmark measures, and with its server and its phone in the terminal what
// that does not: connections that wait, and edits lost when the server is killed.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { inTurn, pause, range } from "../phones/turns.mjs";
import { peakOfChildren, run, start, within } from "./process.mjs";
import { Server, freePort } from "./server.mjs";

/** Milliseconds between two looks at how much memory the benchmark's servers hold. */
const LOOK = 100;
/** Milliseconds after which a server has done what a connection makes it do. */
const SETTLED = 2_500;
/** Milliseconds that a part of the benchmark, and that a phone until it follows its record, may take. */
const PART = 300_000;
const CONNECTED = 20_000;
/** Commands that run at once. */
const WIDTH = 4;

/** All figures by workload, and why those are missing that are. */
export async function measureCarnet(program, scale, quick, say) {
  const figures = {};
  const failed = {};
  for (const [workload, measure] of Object.entries(WORKLOADS)) {
    say(`Carnet: ${workload} …`);
    try {
      figures[workload] = { ...figures[workload], ...(await measure({ program, scale, quick, say })) };
    } catch (error) {
      failed[workload] = error.message;
      say(`Carnet: ${workload} failed: ${error.message}`);
    }
  }
  if (figures.killed) figures.writers = { ...figures.writers, ...figures.killed };
  if (failed.killed) failed.writers ??= failed.killed;
  delete figures.killed;
  delete failed.killed;
  return { figures, failed };
}

const WORKLOADS = { reconnect, newPhone, live, writers, killed, idle };

async function reconnect(bench) {
  const { entries, reconnects } = bench.scale;
  const sizes = ["--records", `${entries}`, "--reconnects", `${reconnects}`];
  const { results, peak } = await benchmark(bench, "reconnect", sizes);
  const [found] = results.reconnect;
  const { up, down, round_trips: trips, server_cpu: cpu, elapsed } = found;
  return { up, down, trips, cpu, p50: elapsed.p50, p99: elapsed.p99, peak };
}

async function newPhone(bench) {
  const { results, peak } = await benchmark(bench, "new-phone");
  const { entries, changes, up, down, round_trips: trips, server_cpu: cpu, elapsed } = results.new_phone;
  const { newPhone: wanted, newPhoneRounds } = bench.scale;
  if (entries !== wanted || changes !== wanted * (1 + newPhoneRounds)) {
    throw new Error(`the benchmark's record has ${entries} entries and ${changes} changes`);
  }
  return { up, down, trips, cpu, elapsed, peak };
}

async function live(bench) {
  const { results, peak } = await benchmark(bench, "live");
  return { p50: results.live.elapsed.p50, p99: results.live.elapsed.p99, peak };
}

async function writers(bench) {
  const { results, peak } = await benchmark(bench, "durable");
  const found = results.durable.find(({ devices }) => devices === bench.scale.writers);
  if (!found) throw new Error(`the benchmark has no ${bench.scale.writers} devices that write`);
  return { perSecond: found.per_second, p50: found.acknowledged.p50, p99: found.acknowledged.p99, peak };
}

/** Runs a part of the benchmark; gives what it found, and the most KiB that a server of it held. */
async function benchmark({ program, quick }, part, more = []) {
  const child = start(program, ["--json", "--only", part, ...(quick ? ["--quick"] : []), ...more]);
  let printed = "";
  child.stdout.on("data", (text) => {
    printed += text;
  });
  let peak = 0;
  const looking = setInterval(() => {
    peak = Math.max(peak, peakOfChildren(child.pid));
  }, LOOK);
  const ended = child.ended.then((code) => {
    clearInterval(looking);
    if (code !== 0) throw new Error(child.said() || `the benchmark ended with ${code}`);
  });
  await within(PART, child, ended);
  return { results: JSON.parse(printed), peak };
}

/** Devices, each with a record of its own of one entry, wait for changes. */
async function idle({ program, scale }) {
  return withStage(program, async (stage) => {
    const phones = await inTurn(range(0, scale.idle), WIDTH, async (number) => {
      const phone = await stage.holder(number);
      await stage.write(phone, "Tension");
      return phone;
    });
    await stage.server.stop();
    await stage.serve();
    const before = stage.server.usage();
    const following = await inTurn(phones, WIDTH, (phone) => stage.follow(phone));
    await pause(SETTLED);
    const after = stage.server.usage();
    for (const one of following) one.kill("SIGKILL");
    const connections = phones.length;
    return { kib: (after.resident - before.resident) / connections, connections, peak: after.peak };
  });
}

/** Devices write until the server is killed; then another device of each fetches what is there. */
async function killed({ program, scale }) {
  return withStage(program, async (stage) => {
    const phones = await inTurn(range(0, scale.killed), WIDTH, (number) => stage.holder(number));
    const taken = await inTurn(phones, phones.length, async (phone) => {
      let sum = 0;
      for (const number of range(0, scale.killedEdits)) sum += await stage.write(phone, `Tension ${number}`);
      return sum;
    });
    await stage.server.kill();
    await stage.serve();
    const found = await inTurn(phones, WIDTH, async (phone) => {
      const { code } = await stage.phone(phone, "invite");
      await stage.phone(`${phone}-new`, "enrol", stage.url, code);
      await stage.phone(`${phone}-new`, "sync");
      return (await stage.phone(`${phone}-new`, "list")).length;
    });
    const sum = (numbers) => numbers.reduce((one, other) => one + other, 0);
    const lost = sum(taken.map((edits, place) => Math.max(0, edits - found[place])));
    return { acknowledged: sum(taken), lost, lostLeast: lost };
  });
}

async function withStage(program, work) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "carnet-peers-"));
  const stage = new Stage(program, folder);
  try {
    await stage.serve();
    return await work(stage);
  } finally {
    await stage.server?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** A server of Carnet and phones in the terminal: the benchmark's program plays both. */
class Stage {
  constructor(program, folder) {
    Object.assign(this, { program, folder });
    this.data = path.join(folder, "server");
    fs.mkdirSync(this.data, { mode: 0o700 });
  }

  /** Starts the server, always at the same address. */
  async serve() {
    this.port ??= await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    const most = "1000000";
    const limits = ["--session-rate", most, "--peer-rate", most, "--log", "warn"];
    const parameters = ["serve", "--data", this.data, "--listen", `127.0.0.1:${this.port}`, ...limits];
    this.server = await Server.start([this.program, ...parameters], this.port, { env: playing("carnet") });
  }

  /** Opens a record and enrols its holder on a phone; gives the phone's name. */
  async holder(number) {
    const traits = ["--ins", nir(number), "--family-name", "DURAND", "--given-names", "PAUL", "--sex", "M"];
    const birth = ["--birth-date", "1966-03-14", "--birthplace", "59350"];
    const proof = ["--channel", "desk", "--departement", "59", "--consent", "signed", "--proof", "identity card"];
    const order = ["admin", "open-record", "--data", this.data, "--json", ...traits, ...birth, ...proof];
    const opened = JSON.parse(await run(this.program, order, { env: playing("carnet") }));
    const phone = `phone-${number}`;
    await this.phone(phone, "enrol", this.url, opened.code);
    return phone;
  }

  /** Adds a note and syncs; gives how many edits were acknowledged. */
  async write(phone, text) {
    await this.phone(phone, "add", "own-note", text);
    return (await this.phone(phone, "sync")).accepted;
  }

  async phone(name, ...command) {
    const parameters = ["--store", path.join(this.folder, name), "--json", ...command];
    return JSON.parse((await run(this.program, parameters, { env: playing("carnet-phone") })) || "null");
  }

  /** Follows a record until it is killed; resolves when it does. */
  async follow(name) {
    const parameters = ["--store", path.join(this.folder, name), "live"];
    const child = start(this.program, parameters, { env: playing("carnet-phone") });
    const following = new Promise((resolve, reject) => {
      child.stderr.on("data", () => child.said().includes("[following]") && resolve());
      child.ended.then(() => reject(new Error(child.said() || "it does not follow its record")));
    });
    await within(CONNECTED, child, following);
    return child;
  }
}

const playing = (program) => ({ ...process.env, CARNET_TESTS_PLAYS: program });

/** The NIR of somebody born in Lille in March 1966, with its key (INSEE: 97 − n mod 97). */
export function nir(order) {
  const number = 1_660_359_350_001 + order;
  return `${number}${String(97 - (number % 97)).padStart(2, "0")}`;
}
