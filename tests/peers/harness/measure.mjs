// The workloads against one peer. Every step begins with a server just started over the same data, and with
// phones as they were after the records were written.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { median, medians, quantile, roundTrips } from "./figures.mjs";
import { Phones } from "./phones.mjs";
import { Proxy } from "./proxy.mjs";
import { Server, freePort } from "./server.mjs";

/** Milliseconds each way where round trips are counted. */
const DELAY = 100;
/** Milliseconds after which a server has done what it puts off: Hocuspocus stores after 2 s. */
const SETTLED = 2_500;
/** Milliseconds that what was begun may take. */
const PATIENCE = 180_000;

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const range = (count) => Array.from({ length: count }, (_, place) => place);

/** A temporary folder; in memory, where the system has a place for that. */
function folder(inMemory) {
  const place = inMemory && fs.existsSync("/dev/shm") ? "/dev/shm" : os.tmpdir();
  return fs.mkdtempSync(path.join(place, "carnet-peers-"));
}

export class Bench {
  /** Measures a peer with what was installed, on this scale. */
  constructor(peer, installed, scale, say) {
    Object.assign(this, { peer, installed, scale, say });
    // Phones' stores do not wait for the disk that the server writes to.
    this.disk = folder(false);
    this.memory = folder(true);
  }

  remove() {
    for (const place of [this.disk, this.memory]) fs.rmSync(place, { recursive: true, force: true });
  }

  /** All figures by workload, and why those are missing that are. */
  async all() {
    const figures = {};
    const failed = {};
    const workloads = ["reconnect", "storm", "newPhone", "live", "writers", "idle"];
    await this.#seed("records", range(this.scale.storm), this.scale.entries, this.scale.rounds);
    for (const workload of workloads) {
      this.say(`${this.peer.title}: ${workload} …`);
      try {
        figures[workload] = await this[workload]();
      } catch (error) {
        failed[workload] = error.message;
        this.say(`${this.peer.title}: ${workload} failed: ${error.message}`);
      }
    }
    return { figures, failed };
  }

  async reconnect() {
    const phones = range(this.scale.reconnects);
    const measured = await this.#step("reconnect", { phones, atOnce: false });
    const counted = await this.#counted("reconnect", { phones: [0], atOnce: true });
    return { ...counted, ...spread(measured.elapsed), cpu: each(measured, phones), peak: measured.peak };
  }

  async storm() {
    const phones = range(this.scale.storm);
    return this.#repeatedly(async () => {
      const measured = await this.#step("reconnect", { phones, atOnce: true });
      return { ...spread(measured.elapsed), cpu: each(measured, phones), peak: measured.peak };
    });
  }

  async newPhone() {
    const phones = [0];
    const { newPhone: entries, newPhoneRounds } = this.scale;
    await this.#seed("long", phones, entries, newPhoneRounds);
    const figures = await this.#repeatedly(async () => {
      const measured = await this.#step("newPhone", { phones }, { data: "long" });
      if (measured.entries !== entries) throw new Error(`${measured.entries} of ${entries} entries came`);
      return { cpu: measured.cpu, elapsed: median(measured.elapsed), peak: measured.peak };
    });
    return { ...(await this.#counted("newPhone", { phones }, { data: "long" })), ...figures };
  }

  async live() {
    const { live: edits, gap } = this.scale;
    const measured = await this.#step("live", { edits, gap });
    return { ...spread(measured.elapsed), peak: measured.peak };
  }

  /** Many write at once; when the last edit is acknowledged, the server is killed and started again. */
  async writers() {
    const { writers, edits } = this.scale;
    const runs = [];
    for (const _ of range(this.scale.times)) {
      const acknowledged = path.join(this.memory, "acknowledged.json");
      const own = this.peer.writers?.(this.installed);
      const options = { phones: own ? writers : range(writers), edits, acknowledged };
      const measured = await this.#step("writers", options, { phones: own, kill: true, data: own ? "none" : "records" });
      const { lost } = await this.#step("lost", { acknowledged }, { keep: true });
      const made = writers * edits;
      runs.push({
        perSecond: made / measured.seconds,
        ...spread(measured.elapsed),
        cpu: (measured.cpu / made),
        peak: measured.peak,
        acknowledged: made,
        lost,
      });
    }
    const lost = runs.map((run) => run.lost);
    return { ...medians(runs), lost: Math.max(...lost), lostLeast: Math.min(...lost) };
  }

  async idle() {
    const connections = this.scale.idle;
    const width = this.peer.idleWidth ?? connections;
    const phones = range(Math.min(connections, this.scale.storm));
    const measured = await this.#step("idle", { phones, connections, width });
    return { kib: measured.grown / connections, connections, peak: measured.peak };
  }

  async #repeatedly(work) {
    const runs = [];
    for (const _ of range(this.scale.times)) runs.push(await work());
    return medians(runs);
  }

  /** Bytes and round trips of one phone, through a proxy: once as it is, once with each way delayed. */
  async #counted(step, options, more) {
    const direct = await this.#step(step, options, { ...more, delay: 0 });
    const delayed = await this.#step(step, options, { ...more, delay: DELAY });
    const trips = roundTrips(delayed.elapsed[0], direct.elapsed[0], DELAY);
    return { up: direct.up, down: direct.down, trips };
  }

  async #seed(data, phones, entries, rounds) {
    this.say(`${this.peer.title}: writing ${phones.length} record(s) of ${entries} entries …`);
    for (const place of this.#places(data)) fs.mkdirSync(place, { recursive: true });
    const [stored, held] = this.#places(data);
    await this.#with(stored, async (server) => {
      const seeding = this.#phones("seed", { phones, entries, rounds, folder: held, url: this.#url(server.port) });
      await patiently(seeding, seeding.result());
      await seeding.end();
    });
  }

  /** Where the server's data and the phones' are. */
  #places(data) {
    return [path.join(this.disk, data), path.join(this.memory, data)];
  }

  #url(port) {
    return `${this.peer.scheme}://127.0.0.1:${port}`;
  }

  #phones(step, options, own) {
    const { entries } = this.scale;
    if (own) return new Phones(own, undefined, { entries, ...options });
    return new Phones(this.peer.phones(this.installed), step, { entries, ...options });
  }

  async #with(stored, work) {
    const port = await freePort();
    const server = await Server.start((free) => this.peer.server(this.installed, free, stored), port);
    try {
      return await work(server);
    } finally {
      await server.stop();
    }
  }

  /** Runs one step and gives what the phones found, and what the server used meanwhile and after it. */
  async #step(step, options, { data = "records", delay, phones: own, kill = false, keep = false } = {}) {
    const [stored, held] = this.#places("work");
    if (!keep) this.#lay(data, [stored, held]);
    return this.#with(stored, async (server) => {
      const proxy = delay === undefined ? undefined : await Proxy.start(server.port, delay);
      const url = this.#url(proxy?.port ?? server.port);
      const phones = this.#phones(step, { ...options, url, folder: held }, own);
      try {
        if (step !== "lost") await patiently(phones, phones.ready());
        const before = server.usage();
        phones.begin();
        const result = await patiently(phones, phones.result());
        if (kill) {
          const used = server.usage();
          await server.kill();
          return { ...result, ...between(before, used) };
        }
        await pause(SETTLED);
        return { ...result, ...between(before, server.usage()), up: proxy?.up, down: proxy?.down };
      } finally {
        await phones.end();
        await proxy?.stop();
      }
    });
  }

  /** Puts the server's data and the phones' as they were after the records were written. */
  #lay(data, work) {
    for (const [place, from] of this.#places(data).entries()) {
      fs.rmSync(work[place], { recursive: true, force: true });
      if (data === "none") fs.mkdirSync(work[place]);
      else fs.cpSync(from, work[place], { recursive: true });
    }
  }
}

/** Milliseconds of the server's processor, and KiB of its memory: at most, and how much it grew. */
function between(before, after) {
  return { cpu: (after.cpu - before.cpu) * 1e3, peak: after.peak, grown: after.resident - before.resident };
}

const each = (measured, phones) => measured.cpu / phones.length;
const spread = (elapsed) => ({ p50: quantile(elapsed, 0.5), p99: quantile(elapsed, 0.99) });

/** What phones are waited for; phones that take too long are killed, and say so. */
async function patiently(phones, waiting) {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    phones.kill();
  }, PATIENCE);
  try {
    return await waiting;
  } catch (error) {
    throw late ? new Error(`not done within ${PATIENCE / 1e3} s`) : error;
  } finally {
    clearTimeout(timer);
  }
}
