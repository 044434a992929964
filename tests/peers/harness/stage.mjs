// Carnet's server and its phone in the terminal, as processes: the benchmark's program plays both.

import fs from "node:fs";
import path from "node:path";
import { remove, temporary } from "./folder.mjs";
import { run, start, within } from "./process.mjs";
import { Server, freePort } from "./server.mjs";

/** Milliseconds that a command may take, and a phone until it follows its record. */
const COMMAND = 60_000;

/** Does some work on a stage of its own, with a running server. */
export async function withStage(program, work) {
  const folder = temporary();
  const stage = new Stage(program, folder);
  try {
    await stage.serve();
    return await work(stage);
  } finally {
    await stage.server?.stop();
    remove(folder);
  }
}

/** A server of Carnet and phones in the terminal: the benchmark's program plays both. */
class Stage {
  constructor(program, folder) {
    Object.assign(this, { program, folder });
    this.data = path.join(folder, "server");
    fs.mkdirSync(this.data, { mode: 0o700 });
  }

  /** Starts the server where phones look for it, or on a port behind that. */
  async serve(behind) {
    this.port ??= await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    const port = behind ?? this.port;
    const most = "1000000";
    const limits = ["--session-rate", most, "--peer-rate", most, "--log", "warn"];
    const parameters = ["serve", "--data", this.data, "--listen", `127.0.0.1:${port}`, ...limits];
    this.server = await Server.start([this.program, ...parameters], port, { env: playing("carnet") });
  }

  /** Opens a record and enrols its holder on a phone; gives the phone's name. */
  async holder(number) {
    const traits = ["--ins", nir(number), "--family-name", "DURAND", "--given-names", "PAUL", "--sex", "M"];
    const birth = ["--birth-date", "1966-03-14", "--birthplace", "59350"];
    const proof = ["--channel", "desk", "--departement", "59", "--consent", "signed", "--proof", "identity card"];
    const order = ["admin", "open-record", "--data", this.data, "--json", ...traits, ...birth, ...proof];
    const opened = JSON.parse(await run(this.program, order, { env: playing("carnet"), patience: COMMAND }));
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
    const printed = await run(this.program, parameters, { env: playing("carnet-phone"), patience: COMMAND });
    return JSON.parse(printed || "null");
  }

  /** Follows a record until it is killed; resolves when it does. */
  async follow(name) {
    const parameters = ["--store", path.join(this.folder, name), "live"];
    const child = start(this.program, parameters, { env: playing("carnet-phone") });
    const following = new Promise((resolve, reject) => {
      child.stderr.on("data", () => child.said().includes("[following]") && resolve());
      child.ended.then(() => reject(new Error(child.said() || "it does not follow its record")));
    });
    await within(COMMAND, child, following);
    return child;
  }
}

const playing = (program) => ({ ...process.env, CARNET_TESTS_PLAYS: program });

/** The NIR of somebody born in Lille in March 1966, with its key (INSEE: 97 − n mod 97). */
export function nir(order) {
  const number = 1_660_359_350_001 + order;
  return `${number}${String(97 - (number % 97)).padStart(2, "0")}`;
}
