import assert from "node:assert/strict";
import { test } from "node:test";
import { generatorOf, history } from "./record.mjs";

test("a history is the same for every peer, and phones make edits of their own", () => {
  assert.deepEqual(history(20, 2), history(20, 2));
  assert.equal(generatorOf(3, 1)(), generatorOf(3, 1)());
  assert.equal(new Set([generatorOf(3, 1)(), generatorOf(3, 2)(), generatorOf(4, 1)()]).size, 3);
});

test("a history has as many changes as it says: each entry, and each round's edit of it", () => {
  const { entries, rounds } = history(20, 3);
  assert.equal(entries.length + rounds.flat().length, 80);
  for (const { note } of entries) assert.ok(note.length >= 40 && note.length <= 80);
  for (const edit of rounds.flat()) assert.ok((edit.severity === undefined) !== (edit.addition === undefined));
});
