import assert from "node:assert/strict";
import { test } from "node:test";
import { BadOptions, read } from "./options.mjs";

const names = (words) => read(words).peers.map((peer) => peer.name);

test("peers are all, or those that are named, in one order", () => {
  assert.deepEqual(names([]), ["automerge-repo", "samod", "hocuspocus", "pouchdb"]);
  assert.deepEqual(names(["--only", "pouchdb,samod"]), ["samod", "pouchdb"]);
  assert.deepEqual(names(["--only", "pouchdb", "--only", "samod"]), ["samod", "pouchdb"]);
});

test("what cannot be followed is refused", () => {
  for (const words of [["--only", "couchdb"], ["--slow"], ["quick"], ["--only"]]) {
    assert.throws(() => read(words), BadOptions);
  }
});

test("only a full run of all peers is written down", () => {
  assert.equal(read(["--write"]).write, true);
  assert.throws(() => read(["--write", "--quick"]), BadOptions);
  assert.throws(() => read(["--write", "--only", "samod"]), BadOptions);
});
