import assert from "node:assert/strict";
import { test } from "node:test";
import { RESULTS } from "./example.mjs";
import { page } from "./page.mjs";
import { columns, failures, markdown, rows } from "./table.mjs";

test("every row is a heading or has a cell for each server", () => {
  for (const row of rows(RESULTS)) assert.ok(row.length === 1 || row.length === 5, row.join());
});

test("beside a peer's figure stands the ratio, and last the best peer's", () => {
  assert.deepEqual(rows(RESULTS).find(([title]) => title === "server CPU a phone"), [
    "server CPU a phone",
    "2 ms",
    "20 ms (10 ×)",
    "5 ms (2.5 ×)",
    "2.5 ×",
  ]);
});

test("a loss is shown as one, and what is not known as a dash", () => {
  const row = (title) => rows(RESULTS).find((cells) => cells[0] === title);
  assert.deepEqual(row("edits a second"), ["edits a second", "1,000", "2,000 (0.5 ×)", "500 (2 ×)", "0.5 ×"]);
  assert.deepEqual(row("bytes down"), ["bytes down", "400 B", "–", "–", "–"]);
  assert.deepEqual(row("acknowledged edits lost on `kill -9`").slice(1), ["0 of 20", "0 to 9 of 240", "240 of 240", "–"]);
});

test("the table in Markdown has as many cells in each line", () => {
  const bars = markdown(RESULTS).split("\n").map((line) => line.match(/\|/g).length);
  assert.deepEqual(new Set(bars), new Set([6]));
});

test("columns stand below each other", () => {
  const [heads, ...lines] = columns(RESULTS).split("\n");
  const end = heads.indexOf("Carnet") + "Carnet".length;
  const figures = lines.filter((line) => line.startsWith("  "));
  for (const line of figures) assert.match(line.slice(0, end), /\S$/);
});

test("what failed is told in one line, and with the figures", () => {
  assert.deepEqual(failures(RESULTS), ["PouchDB <&>, live: not done within 180 s"]);
  const kept = page(RESULTS);
  assert.match(kept, /^`node tests\/peers\/run\.mjs --quick`, 2026-11-26, 2 cores \(A processor\), 24 GiB: Carnet 1\.2\.3, samod 1\.2\.3 \(files\)/);
  assert.ok(kept.includes(markdown(RESULTS)));
  assert.match(kept, /- Not measured: PouchDB <&>, live/);
});
