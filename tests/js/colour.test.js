// Colours between two others.
import assert from "node:assert/strict"
import {test} from "node:test"
import {mixed} from "../../kvviz/pages/paging/js/colour.js"

test("a colour goes from one to the other", () => {
  assert.equal(mixed("#000000", "#ffffff", 0), "#000000")
  assert.equal(mixed("#000000", "#ffffff", 1), "#ffffff")
  assert.equal(mixed("#102030", "#304050", 0.5), "#203040")
  assert.equal(mixed("#00ff00", "#0000ff", 0.25), "#00bf40")
})

test("each part has two digits", () => assert.equal(mixed("#000000", "#0a0a0a", 0.5), "#050505"))
