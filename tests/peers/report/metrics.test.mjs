import assert from "node:assert/strict";
import { test } from "node:test";
import { RESULTS } from "./example.mjs";
import { advantage, ratios } from "./metrics.mjs";

const of = (workload, metric) => ratios(RESULTS).find((one) => one.workload === workload && one.metric === metric);

test("above 1 Carnet is better, whether less or more is", () => {
  assert.equal(advantage({}, 2, 20), 10);
  assert.equal(advantage({}, 20, 2), 0.1);
  assert.equal(advantage({ more: true }, 1_000, 500), 2);
  assert.equal(advantage({ more: true }, 1_000, 2_000), 0.5);
});

test("no ratio is made of nothing", () => {
  for (const figure of [undefined, 0, Number.NaN]) {
    assert.equal(advantage({}, 2, figure), undefined);
    assert.equal(advantage({}, figure, 2), undefined);
  }
});

test("the best peer is the one that Carnet has the least advantage over", () => {
  assert.deepEqual(of("reconnect", "cpu"), { workload: "reconnect", metric: "cpu", over: { samod: 10, pouchdb: 2.5 }, best: 2.5 });
  assert.deepEqual(of("writers", "perSecond").over, { samod: 0.5, pouchdb: 2 });
  assert.equal(of("writers", "perSecond").best, 0.5);
});

test("where Carnet or all peers have no figure there is no ratio", () => {
  assert.deepEqual(of("storm", "cpu"), { workload: "storm", metric: "cpu", over: {}, best: undefined });
  assert.deepEqual(of("reconnect", "down").over, {});
});
