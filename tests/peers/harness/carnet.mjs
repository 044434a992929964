// Carnet's side: what its own benchmark measures, and with its server and its phone in the terminal what
// that does not: bytes as they are counted of the peers, connections that wait, and edits lost when the server
// is killed.

import { inTurn, pause, range, timed } from "../phones/turns.mjs";
import { counted } from "./figures.mjs";
import { peakOfChildren, start, within } from "./process.mjs";
import { DELAY, Proxy } from "./proxy.mjs";
import { freePort } from "./server.mjs";
import { withStage } from "./stage.mjs";

/** Milliseconds between two looks at how much memory the benchmark's servers hold. */
const LOOK = 100;
/** Milliseconds after which a server has done what a connection makes it do. */
const SETTLED = 2_500;
/** Milliseconds that a part of the benchmark may take. */
const PART = 300_000;
/** Commands that run at once. */
const WIDTH = 4;

/** All figures by workload, and why those are missing that are. */
export async function measureCarnet(program, scale, quick, say) {
  const figures = {};
  const failed = {};
  for (const [workload, measure] of WORKLOADS) {
    say(`Carnet: ${measure.name} …`);
    try {
      Object.assign((figures[workload] ??= {}), await measure({ program, scale, quick }));
    } catch (error) {
      failed[workload] = error.message;
      say(`Carnet: ${measure.name} failed: ${error.message}`);
    }
  }
  return { figures, failed };
}

const WORKLOADS = [
  ["reconnect", reconnect],
  ["reconnect", wire],
  ["newPhone", newPhone],
  ["live", live],
  ["writers", writers],
  ["writers", killed],
  ["idle", idle],
];

async function reconnect(bench) {
  const { entries, reconnects } = bench.scale;
  const sizes = ["--records", `${entries}`, "--reconnects", `${reconnects}`];
  const { results, peak } = await benchmark(bench, "reconnect", sizes);
  const [found] = results.reconnect;
  const { server_cpu: cpu, elapsed } = found;
  return { cpu, p50: elapsed.p50, p99: elapsed.p99, peak };
}

/** Bytes and round trips of a phone with one edit, through the same proxy as the peers' phones. */
async function wire({ program, scale }) {
  return withStage(program, async (stage) => {
    const phone = await stage.holder(0);
    const { id } = await stage.phone(phone, "add", "own-note", "Tension");
    await stage.phone(phone, "sync");
    await stage.server.stop();
    const behind = await freePort();
    await stage.serve(behind);
    let edits = 0;
    const through = async (delay) => {
      const proxy = await Proxy.start(stage.port, behind, delay);
      await stage.phone(phone, "edit", id, "--notes", `severe (seen ${edits++})`);
      const elapsed = await timed(() => stage.phone(phone, "sync"));
      await proxy.stop();
      return { ...proxy.bytes(), elapsed: [elapsed] };
    };
    const [direct, delayed] = [[], []];
    for (const _ of range(0, scale.times)) {
      direct.push(await through(0));
      delayed.push(await through(DELAY));
    }
    return counted(direct, delayed, DELAY);
  });
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
