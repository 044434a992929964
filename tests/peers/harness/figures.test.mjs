import assert from "node:assert/strict";
import { test } from "node:test";
import { counted, median, medians, quantile } from "./figures.mjs";

test("a quantile is a figure that this share does not exceed", () => {
  const figures = [9, 1, 5, 3, 7];
  assert.equal(quantile(figures, 0), 1);
  assert.equal(quantile(figures, 0.2), 1);
  assert.equal(quantile(figures, 0.21), 3);
  assert.equal(median(figures), 5);
  assert.equal(quantile(figures, 1), 9);
  assert.deepEqual(figures, [9, 1, 5, 3, 7]);
  for (const share of [0.01, 0.5, 0.99]) {
    const found = quantile(figures, share);
    assert.ok(figures.filter((figure) => figure <= found).length >= share * figures.length);
  }
  assert.equal(median([]), undefined);
});

test("medians are of those that have the figure", () => {
  const runs = [{ cpu: 3, up: 10 }, { cpu: 1 }, { cpu: 2, up: undefined }];
  assert.deepEqual(medians(runs), { cpu: 2, up: 10 });
});

test("round trips are what the delay adds, whatever the rest takes and whatever disturbs", () => {
  const run = (elapsed, up = 1, down = 2) => ({ elapsed: [elapsed], up, down });
  const [direct, delayed] = [[run(9, 500, 700), run(350, 510, 600)], [run(612), run(830), run(611)]];
  assert.deepEqual(counted(direct, delayed, 100), { up: 500, down: 600, trips: 3 });
  assert.equal(counted(direct, direct, 100).trips, 0);
});
