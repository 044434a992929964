import assert from "node:assert/strict";
import { test } from "node:test";
import { RESULTS } from "./example.mjs";
import { apart, decades, plot } from "./plot.mjs";

test("the axis holds every ratio, and a decade to each side of Carnet", () => {
  assert.deepEqual(decades([]), [-1, 1]);
  assert.deepEqual(decades([0.004, 12]), [-3, 2]);
  assert.deepEqual(decades([10, 0.1]), [-1, 1]);
});

test("marks at one place stand apart, and others stay on their line", () => {
  const [one, far, other] = apart([100, 300, 104]);
  assert.equal(far, 0);
  assert.ok(Math.abs(one - other) >= 8);
  assert.equal(new Set(apart([5, 5, 5, 5])).size, 4);
  for (const height of apart([5, 5, 5, 5])) assert.ok(Math.abs(height) <= 8);
});

test("a peer that is better stands left of Carnet's line, another right of it", () => {
  const picture = plot(RESULTS);
  const line = Number(/<line x1="([\d.]+)"[^>]*stroke="#333"/.exec(picture)[1]);
  const x = (title) => {
    const [, rest] = picture.split(`<title>${title}</title>`);
    return Number(/^<(?:rect x="|path d="M)([\d.]+)/.exec(rest)[1]);
  };
  assert.ok(x("samod: 3 ms, 0.5 ×") < line);
  assert.ok(x("samod: 20 ms, 10 ×") > line);
  assert.ok(x("PouchDB &lt;&amp;&gt;: 5 ms, 2.5 ×") > line);
});

test("the picture has a mark for each ratio and none for what is not known", () => {
  const marks = plot(RESULTS).match(/<g [^>]*><title>/g);
  // CPU and round trips of two peers, bytes up of one, live of one, edits a second of two.
  assert.equal(marks.length, 8);
});

test("what a name may hold does no harm, and every element is closed", () => {
  const picture = plot(RESULTS);
  assert.ok(!picture.includes("PouchDB <&>"));
  const open = [];
  for (const [, slash, name, self] of picture.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/g)) {
    if (slash) assert.equal(open.pop(), name);
    else if (!self) open.push(name);
  }
  assert.deepEqual(open, []);
});
