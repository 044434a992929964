// The workloads against one peer. Every step begins with a server just started over the same data, and with
// phones as they were after the records were written.

import fs from "node:fs";
import path from "node:path";
import { pause, range } from "../phones/turns.mjs";
import { counted, median, medians, quantile } from "./figures.mjs";
import { remove, temporary } from "./folder.mjs";
import { Phones } from "./phones.mjs";
import { DELAY, Proxy } from "./proxy.mjs";
import { Server, freePort } from "./server.mjs";

/** Milliseconds after which a server has done what it puts off: Hocuspocus stores after 2 s. */
const SETTLED = 2_500;
/** Milliseconds after which the bytes of what is acknowledged have all gone. */
const GONE = 300;

const upTo = (count) => range(0, count);

export class Bench {
  /** Measures a peer with what was installed, on this scale. */
  constructor(peer, installed, scale, say) {
    Object.assign(this, { peer, installed, scale, say });
    // Phones' stores do not wait for the disk that the server writes to.
    this.disk = temporary();
    this.memory = temporary(true);
  }

  remove() {
    for (const place of [this.disk, this.memory]) remove(place);
  }

  /** All figures by workload, and why those are missing that are. */
  async all() {
    const figures = {};
    const failed = {};
    const tried = async (what, work) => {
      this.say(`${this.peer.title}: ${what} …`);
      try {
        return await work();
      } catch (error) {
        failed[what] = error.message;
        this.say(`${this.peer.title}: ${what} failed: ${error.message}`);
      }
    };
    const { entries, rounds } = this.scale;
    const written = await tried("records", () => this.#seed("records", upTo(this.#records()), entries, rounds));
    for (const workload of written ? ["reconnect", "storm", "newPhone", "live", "writers", "idle"] : []) {
      figures[workload] = await tried(workload, () => this[workload]());
    }
    return { figures, failed };
  }

  /** Records, each of a phone of its own. */
  #records() {
    return Math.max(this.scale.storm, 2 * this.scale.reconnects, this.scale.writers);
  }

  async reconnect() {
    // As many others come first, so that programs that compile while they run are measured at their best.
    const both = upTo(2 * this.scale.reconnects);
    const [warm, phones] = [both.slice(this.scale.reconnects), both.slice(0, this.scale.reconnects)];
    const measured = await this.#step("reconnect", { warm, phones, atOnce: false });
    const counted = await this.#counted("reconnect", { warm: [], phones: [0], atOnce: true });
    return { ...counted, ...spread(measured.elapsed), cpu: each(measured, phones), peak: measured.peak };
  }

  async storm() {
    const phones = upTo(this.scale.storm);
    return this.#repeatedly(async () => {
      const measured = await this.#step("reconnect", { warm: [], phones, atOnce: true });
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
    for (const _ of upTo(this.scale.times)) {
      const acknowledged = path.join(this.memory, "acknowledged.json");
      const own = this.peer.writers?.(this.installed);
      const options = { phones: own ? writers : upTo(writers), edits, acknowledged };
      const measured = await this.#step("writers", options, { phones: own, kill: true, data: own ? "none" : "records" });
      const { lost } = await this.#step("lost", { acknowledged }, { keep: true });
      const made = writers * edits;
      runs.push({
        perSecond: made / measured.seconds,
        ...spread(measured.elapsed),
        cpu: measured.cpu / made,
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
    const phones = upTo(Math.min(connections, this.#records()));
    const measured = await this.#step("idle", { phones, connections, width });
    return { kib: measured.grown / connections, connections, peak: measured.peak };
  }

  async #repeatedly(work) {
    const runs = [];
    for (const _ of upTo(this.scale.times)) runs.push(await work());
    return medians(runs);
  }

  /** Bytes and round trips of one phone, through a proxy: once as it is, once with each way delayed. */
  async #counted(step, options, more) {
    const [direct, delayed] = [[], []];
    for (const _ of upTo(this.scale.times)) {
      direct.push(await this.#step(step, options, { ...more, delay: 0 }));
      delayed.push(await this.#step(step, options, { ...more, delay: DELAY }));
    }
    return counted(direct, delayed, DELAY);
  }

  /** Has phones write records, each one of its own; keeps the server's data and the phones' under a name. */
  async #seed(data, phones, entries, rounds) {
    for (const place of this.#places(data)) fs.mkdirSync(place, { recursive: true });
    const [stored, held] = this.#places(data);
    // PouchDB knows a server by its address, so it is the same from here on.
    this.port ??= await freePort();
    return this.#with(stored, this.port, async () => {
      const seeding = this.#phones("seed", { phones, entries, rounds, folder: held });
      try {
        await seeding.ready();
        seeding.begin();
        return await seeding.result();
      } finally {
        await seeding.end();
      }
    });
  }

  /** Where the server's data and the phones' are. */
  #places(data) {
    return [path.join(this.disk, data), path.join(this.memory, data)];
  }

  #phones(step, options, own) {
    const url = `${this.peer.scheme}://127.0.0.1:${this.port}`;
    const all = { entries: this.scale.entries, url, ...options };
    return own ? new Phones(own, undefined, all) : new Phones(this.peer.phones(this.installed), step, all);
  }

  async #with(stored, port, work) {
    const server = await Server.start(this.peer.server(this.installed, port, stored), port);
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
    const port = delay === undefined ? this.port : await freePort();
    return this.#with(stored, port, async (server) => {
      const proxy = delay === undefined ? undefined : await Proxy.start(this.port, port, delay);
      const phones = this.#phones(step, { ...options, folder: held }, own);
      try {
        await phones.ready();
        const before = server.usage();
        phones.begin();
        const result = await phones.result();
        if (kill) {
          const used = server.usage();
          await server.kill();
          return { ...result, ...between(before, used) };
        }
        await pause(proxy ? GONE : SETTLED);
        return { ...result, ...between(before, server.usage()), ...proxy?.bytes() };
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
