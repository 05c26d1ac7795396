// Links: the theme goes along, and a shared one says all of the state.
import assert from "node:assert/strict"
import {test} from "node:test"
import {shared, themed} from "../../kvviz/pages/kit/js/links.js"

const HERE = "http://localhost:5006/hbm?batch=4&theme=light"

test("a link to another page takes the theme along", () => {
  assert.equal(themed("paging", HERE, "light"), "http://localhost:5006/paging?theme=light")
  assert.equal(themed("hbm?batch=8", HERE, "light"), "http://localhost:5006/hbm?batch=8&theme=light")
})

test("dark is what a link without a theme opens in", () => {
  assert.equal(themed("paging?theme=light", HERE, "dark"), "http://localhost:5006/paging")
  assert.equal(themed("paging", HERE), "http://localhost:5006/paging")
})

test("a link elsewhere on the page keeps its anchor", () =>
  assert.equal(themed("paging#table", HERE, "light"), "http://localhost:5006/paging?theme=light#table"))

test("a shared link has settings, place and theme, and nothing of the address before", () => {
  assert.equal(shared(HERE, {model: "Qwen/Qwen3-8B", tp: 2}, {context: 4096}, "light"),
    "http://localhost:5006/hbm?model=Qwen%2FQwen3-8B&tp=2&context=4096&theme=light")
  assert.equal(shared(HERE, {}, {}, "dark"), "http://localhost:5006/hbm")
})

test("the place is where the playhead is now", () =>
  assert.equal(shared(HERE, {context: 1}, {context: 2}, "dark"), "http://localhost:5006/hbm?context=2"))
