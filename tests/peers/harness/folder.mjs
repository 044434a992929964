// Temporary folders, removed when they are no longer needed, or when this program ends.

import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const made = new Set();

/** Makes a folder on the disk; or in memory, where the system has a place for that. */
export function temporary(inMemory = false) {
  const place = inMemory && fs.existsSync("/dev/shm") ? "/dev/shm" : os.tmpdir();
  const folder = fs.mkdtempSync(path.join(place, "carnet-peers-"));
  made.add(folder);
  return folder;
}

/** Removes one and what is in it. */
export function remove(folder) {
  fs.rmSync(folder, { recursive: true, force: true });
  made.delete(folder);
}

process.on("exit", () => made.forEach(remove));
