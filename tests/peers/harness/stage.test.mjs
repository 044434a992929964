import assert from "node:assert/strict";
import { test } from "node:test";
import { nir } from "./stage.mjs";

test("a made-up NIR has fifteen digits and the key that INSEE says", () => {
  for (const order of [0, 1, 42, 96, 199]) {
    const digits = nir(order);
    assert.match(digits, /^\d{15}$/);
    assert.equal((BigInt(digits.slice(0, 13)) + BigInt(digits.slice(13))) % 97n, 0n);
  }
});
