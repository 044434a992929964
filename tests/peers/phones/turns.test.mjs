import assert from "node:assert/strict";
import { test } from "node:test";
import { inTurn, range } from "./turns.mjs";

test("results are in order, whatever ends first, and never more work at once than allowed", async () => {
  let running = 0;
  let most = 0;
  const waiting = [];
  const done = inTurn(range(0, 6), 2, async (item) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => waiting.push(resolve));
    running -= 1;
    return item * 10;
  });
  for (let ended = 0; ended < 6; ended++) {
    while (waiting.length === 0) await Promise.resolve();
    // The last that began ends first.
    waiting.pop()();
    for (const _ of range(0, 5)) await Promise.resolve();
  }
  assert.deepEqual(await done, [0, 10, 20, 30, 40, 50]);
  assert.equal(most, 2);
});
