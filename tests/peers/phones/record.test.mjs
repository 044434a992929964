import assert from "node:assert/strict";
import { test } from "node:test";
import { generatorOf, history } from "./record.mjs";

test("a record is the same for every peer, and others are others", () => {
  assert.deepEqual(history(3, 20, 2), history(3, 20, 2));
  assert.notDeepEqual(history(3, 20, 2), history(4, 20, 2));
  assert.notEqual(generatorOf(3)(), generatorOf(3, 1)());
});

test("a history has as many changes as it says: each entry, and each round's edit of it", () => {
  const { entries, rounds } = history(0, 20, 3);
  assert.equal(entries.length + rounds.flat().length, 80);
  for (const { note } of entries) assert.ok(note.length >= 40 && note.length <= 80);
  for (const edit of rounds.flat()) assert.ok((edit.severity === undefined) !== (edit.addition === undefined));
});
