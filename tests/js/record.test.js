// A run's record: rows by context, and pages as they are held, forward and back.
import assert from "node:assert/strict"
import {test} from "node:test"
import {Pages} from "../../kvviz/pages/hbm/js/pages.js"
import {Run} from "../../kvviz/pages/hbm/js/record.js"

const run = new Run({
  when: Uint16Array.of(1, 1, 64, 128), page: Uint8Array.of(0, 4, 5, 6), pages: Uint8Array.of(4, 1, 1, 1),
  owner: Int8Array.of(-1, 0, 0, 1), state: Uint8Array.of(1, 3, 3, 3), columns: ["when", "total"],
  totals: Float64Array.of(1, 64, 128, 5, 6, 7), constants: {weights: 4},
})

test("a row holds until the next context", () => {
  const rows = [[0, 0], [1, 0], [63.9, 0], [64, 1], [127, 1], [128, 2], [9999, 2]]
  for (const [when, row] of rows) assert.equal(run.rowAt(when), row, `at ${when}`)
})

test("a row's numbers are what changes and what does not", () => {
  assert.deepEqual(run.numbers(1), {when: 64, total: 6, weights: 4})
  assert.equal(run.at("weights", 2), 4)
  assert.equal(run.end, 128)
})

const layout = {
  pages: 12, gpu_pages: 12, gpus: 1, gpu: "GPU", which_gpu: "", capacity: 12, capacity_kind: "computed", page_bytes: 1, layers: 2,
  mfu: 0.5, mbu: 0.5, rates_kind: "assumed", block: 16, shares: [1, 0.5], page_tokens: true, copies: "", pages_per_cell: 1,
  columns: 3, rows: 2, band: 2, codes: {free: 0, weights: 1, reserved: 3, sequence: 4, scores: 12},
}
const image = () => Object.assign(new Uint8Array(6), {shape: [2, 3]})

/** Pages of two sites, with the run's changes up to a context. @type {(when: number) => Pages} */
const pagesAt = (when) => {
  const pages = new Pages([image(), image()], layout)
  for (let i = 0; i < run.when.length && run.when[i] <= when; i++)
    pages.hold(run.page[i], run.pages[i], run.owner[i], run.state[i], run.when[i])
  pages.settle()
  return pages
}

test("page p lies on site p mod sites, and cells fill column by column", () => {
  const {images} = pagesAt(128)
  assert.deepEqual([...images[0]], [2, 4, 0, 2, 5, 0]) // pages 0, 2, 4 and 6
  assert.deepEqual([...images[1]], [2, 4, 0, 2, 0, 0]) // pages 1, 3 and 5
})

test("a page says who holds it, since when, and with which tokens", () => {
  const pages = pagesAt(128)
  assert.equal(pages.holder(0, 128), "weights: embedding")
  assert.equal(pages.holder(5, 24), "sequence 0, 8 of 16 tokens (16 to 23 of 24), allocated at context 64")
  assert.equal(pages.holder(6, 20), "sequence 1, 10 of 16 tokens (0 to 9 of 10), allocated at context 128")
  assert.equal(pages.holder(7, 128), "free")
})

test("scores take the next free pages, and leave them again", () => {
  const pages = pagesAt(128)
  pages.score(7, 10)
  assert.deepEqual([7, 8, 9, 10].map((page) => pages.code(page)), [12, 12, 12, 0])
  assert.equal(pages.holder(8, 1), "attention scores of one layer")
  pages.score(7, 7)
  assert.deepEqual(pagesAt(128).images.map((each) => [...each]), pages.images.map((each) => [...each]))
})

test("a cell of several pages shows what most of them are", () => {
  const pages = new Pages([image()], {...layout, pages_per_cell: 3})
  pages.hold(0, 2, 0, 3, 1)
  pages.settle()
  assert.equal(pages.images[0][0], 4)
  pages.hold(1, 2, 1, 3, 2)
  pages.settle()
  assert.equal(pages.images[0][0], 5)
  assert.deepEqual(pages.pagesOf(0, 3), {first: 9, step: 1, end: 12})
})

test("cleared, nothing is held", () => {
  const pages = pagesAt(128)
  pages.clear()
  assert.ok(pages.images.every((each) => each.every((code) => code === 0)))
  assert.equal(pages.holder(0, 1), "free")
})
