// Processes: what they use, by Linux's /proc, and that none outlives this one.

import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";

const running = new Set();
let ticksASecond;

/** Characters that are kept of what a program says of errors. */
const SAID = 64_000;

/** Starts a program that is killed when this one ends; what it says of errors can be asked for. */
export function start(program, parameters, options = {}) {
  const child = spawn(program, parameters, { stdio: ["pipe", "pipe", "pipe"], ...options });
  running.add(child);
  let said = "";
  child.stderr?.on("data", (text) => {
    said = `${said}${text}`.slice(-SAID);
  });
  child.said = () => said.trim();
  // A child that is gone reads no line any more, and says so when it ends.
  child.stdin?.on("error", () => {});
  child.ended = new Promise((resolve) => {
    child.on("error", (error) => {
      said = `${said}\n${error.message}`;
      running.delete(child);
      resolve(-1);
    });
    child.on("close", (code) => {
      running.delete(child);
      resolve(code ?? -1);
    });
  });
  return child;
}

/** Ends everything that was started and still runs. */
export function endAll() {
  for (const child of running) child.kill("SIGKILL");
}

process.on("exit", endAll);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => process.exit(130));

/** What is waited for from a child: one that takes longer than so many milliseconds is killed, and that is said. */
export async function within(milliseconds, child, waiting) {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, milliseconds);
  const [done] = await Promise.allSettled([waiting]);
  clearTimeout(timer);
  if (late) throw new Error(`not done within ${milliseconds / 1e3} s`);
  if (done.status === "rejected") throw done.reason;
  return done.value;
}

/** Runs a program to its end, for so many milliseconds at most; gives what it printed, or throws what it said. */
export async function run(program, parameters, { patience = 1_800_000, ...options } = {}) {
  const child = start(program, parameters, { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  child.stdout.on("data", (text) => {
    printed += text;
  });
  const code = await within(patience, child, child.ended);
  if (code === 0) return printed;
  throw new Error(`${program} ${parameters.slice(0, 3).join(" ")}: ${child.said() || `ended with ${code}`}`);
}

/** What a process has used: seconds of processor, user and system, and KiB of memory now and at most. */
export function usage(pid) {
  ticksASecond ??= Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
  const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name of the program, in brackets, may hold anything.
  const [user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13).map(Number);
  const status = fs.readFileSync(`/proc/${pid}/status`, "utf8");
  const kib = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
  return { cpu: (user + system) / ticksASecond, resident: kib("VmRSS"), peak: kib("VmHWM") };
}

/** The most memory, in KiB, that any child of a process has held so far. */
export function peakOfChildren(pid) {
  let peak = 0;
  try {
    for (const task of fs.readdirSync(`/proc/${pid}/task`)) {
      const children = fs.readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ");
      for (const child of children.filter(Boolean)) peak = Math.max(peak, usage(child).peak);
    }
  } catch {
    // One of them ended meanwhile: it was looked at before.
  }
  return peak;
}
