import assert from "node:assert/strict";
import { test } from "node:test";
import { place } from "./document.mjs";

const DOCUMENT = "Before\n\n<!-- peers: begin -->\n\nold\n\n<!-- peers: end -->\n\nAfter\n";

test("the text goes between the markers, and all else stays", () => {
  const once = place(DOCUMENT, "peers", "new\n");
  assert.equal(once, "Before\n\n<!-- peers: begin -->\n\nnew\n\n<!-- peers: end -->\n\nAfter\n");
  assert.equal(place(once, "peers", "new"), once);
});

test("a document without the markers is left alone", () => {
  for (const document of ["", "<!-- peers: begin -->", "<!-- peers: end --><!-- peers: begin -->"]) {
    assert.throws(() => place(document, "peers", "new"), /has no lines/);
  }
});
