// Texts that are made in the browser: what a cell of the map says, and marks in a log.
import assert from "node:assert/strict"
import {test} from "node:test"
import {pieces} from "../../kvviz/pages/accuracy/js/marks.js"
import {spoken} from "../../kvviz/pages/explore/js/words.js"

test("a cell of the map is told by its tone", () => {
  const rows = [{name: "m", label: "Model", note: "1 GiB"}], columns = "abcde".split("").map((label) => ({name: label, label, note: "80 GB"}))
  /** @type {[string, string]} */
  const ends = ["1", "9"]
  const view = {rows, columns, tones: [3, -1, -1, -2, -3], texts: ["12", "4 GPUs", "no fit", "n/a", "?"], unit: "sequences", legend: {ends, gpus: 8}}
  assert.deepEqual(columns.map((_, i) => spoken(view, i)), [
    "Model on a 80 GB: 12 sequences",
    "Model on b 80 GB: does not fit, needs 4 GPUs",
    "Model on c 80 GB: does not fit at any TP × PP",
    "Model on d 80 GB: cannot run on 8 GPUs",
    "Model on e 80 GB: unknown",
  ])
})

test("figures are marked where they stand; of two that overlap the first", () => {
  const found = pieces("took 14.99 GiB\nand 2", [[2, 4, 5], [1, 5, 14], [1, 8, 10]])
  assert.equal(found.map(({text}) => text).join(""), "took 14.99 GiB\nand 2\n")
  assert.deepEqual(found.filter(({marked}) => marked).map(({text}) => text), ["14.99 GiB", "2"])
})
