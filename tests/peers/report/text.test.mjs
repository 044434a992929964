import assert from "node:assert/strict";
import { test } from "node:test";
import { lost, number, quantity, times } from "./text.mjs";

test("three digits count", () => {
  const said = [0, 4, 12_345, 0.2512, 1.7359, 18.44, 185.26, 1_409.6].map(number);
  assert.deepEqual(said, ["0", "4", "12,345", "0.251", "1.74", "18.4", "185", "1,410"]);
});

test("a quantity has the unit that fits, and what is not known is a dash", () => {
  assert.equal(quantity(135.4, "KiB"), "135 KiB");
  assert.equal(quantity(20_480, "KiB"), "20 MiB");
  assert.equal(quantity(62_566, "B"), "62,566 B");
  assert.equal(quantity(1_452_087, "B"), "1,452 kB");
  assert.equal(quantity(3, ""), "3");
  assert.equal(quantity(undefined, "ms"), "–");
});

test("a ratio has two digits", () => {
  assert.deepEqual([0.184, 2.04, 28.3, 1_234].map(times), ["0.18 ×", "2 ×", "28 ×", "1,200 ×"]);
});

test("lost edits are told with how many were acknowledged", () => {
  const writers = (lost, lostLeast) => ({ figures: { writers: { acknowledged: 6_400, lost, lostLeast } } });
  assert.equal(lost(writers(0, 0)), "0 of 6,400");
  assert.equal(lost(writers(209, 141)), "141 to 209 of 6,400");
  assert.equal(lost({ figures: {} }), "–");
});
