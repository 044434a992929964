// Installs the peers: npm's packages beside this folder, what Cargo builds below the clone's `target`.

import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { HERE } from "./peers.mjs";
import { run } from "./process.mjs";

/** The clone, and where all that is made there goes. */
export const CLONE = path.dirname(path.dirname(HERE));
export const MADE = path.join(CLONE, "target", "peers");

const MODULES = path.join(HERE, "node_modules");
const LOCK = path.join(HERE, "package-lock.json");
/** The Node.js that the peers run on is a package too: Hocuspocus needs a newer one than others have. */
const NODE = path.join(MODULES, `node-linux-${process.arch}`);
/** It is compiled, for the Node.js it runs on; the others bring what they need. */
const COMPILED = "better-sqlite3";

/** Lines of what an installer says that are shown: why it failed comes first. */
const WHY = 12;

/** Something that could not be installed; says what to do. */
export class NotInstalled extends Error {}

/** Installs what these peers need; gives what their commands are made of. */
export async function install(peers, say) {
  if (process.platform !== "linux") throw new NotInstalled("What servers use is measured by Linux's /proc: use Linux.");
  await packages(say);
  const samod = peers.some((peer) => peer.needsSamod) ? await builtSamod(say) : undefined;
  return { node: path.join(NODE, "bin", "node"), samod, version: versionOf };
}

function versionOf(name) {
  return JSON.parse(fs.readFileSync(path.join(MODULES, name, "package.json"), "utf8")).version;
}

async function packages(say) {
  // Written last, so that an installation that was broken off is made anew.
  const stamp = path.join(MODULES, ".carnet-peers");
  const wanted = createHash("sha256").update(fs.readFileSync(LOCK)).digest("hex");
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, "utf8") === wanted) return;
  say("installing the peers' packages, once (some minutes) …");
  const quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel", "error"];
  const help = "npm must be there and reach a registry, or have the packages in its cache.";
  await tried("the packages", help, () => run("npm", ["ci", "--ignore-scripts", ...quiet], { cwd: HERE }));
  if (!fs.existsSync(NODE)) throw new NotInstalled(`There is no Node.js for Linux on ${process.arch} among the packages.`);
  const env = {
    ...process.env,
    PATH: `${path.join(NODE, "bin")}:${process.env.PATH}`,
    npm_config_build_from_source: "true",
    npm_config_nodedir: NODE,
  };
  const compiler = "It takes a C++ compiler, make and python3.";
  await tried(COMPILED, compiler, () => run("npm", ["rebuild", COMPILED, ...quiet], { cwd: HERE, env }));
  fs.writeFileSync(stamp, wanted);
}

async function builtSamod(say) {
  say("building samod's server and phones …");
  const manifest = path.join(HERE, "samod", "Cargo.toml");
  const folder = path.join(MADE, "samod");
  const parameters = ["build", "--release", "--quiet", "--locked", "--manifest-path", manifest, "--target-dir", folder];
  const help = "cargo must be there and reach a registry, or have the crates in its cache.";
  await tried("samod", help, () => run("cargo", parameters, { cwd: path.dirname(manifest) }));
  const lock = fs.readFileSync(path.join(path.dirname(manifest), "Cargo.lock"), "utf8");
  return {
    server: path.join(folder, "release", "server"),
    writers: path.join(folder, "release", "writers"),
    version: /name = "samod"\nversion = "([^"]+)"/.exec(lock)[1],
  };
}

/** Builds Carnet's benchmark; gives the path of the program. */
export async function builtBenchmark(say) {
  say("building Carnet's benchmark …");
  const parameters = ["build", "--release", "--package", "carnet-tests", "--bin", "bench"];
  const format = ["--quiet", "--message-format", "json"];
  const help = "cargo must be there and reach a registry, or have the crates in its cache.";
  const printed = await tried("Carnet's benchmark", help, () => run("cargo", [...parameters, ...format], { cwd: CLONE }));
  const messages = printed.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  return messages.find(({ executable, target }) => executable && target.name === "bench").executable;
}

async function tried(what, help, work) {
  try {
    return await work();
  } catch (error) {
    const why = error.message.split("\n").slice(0, WHY).join("\n");
    throw new NotInstalled(`${what} could not be installed. ${help}\n${why}`);
  }
}
