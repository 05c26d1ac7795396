// The pool of the Paging page: whose a block is, and where runs of blocks are named.
import assert from "node:assert/strict"
import {test} from "node:test"
import {nextTo, owners, runsOf} from "../../kvviz/pages/paging/js/blocks.js"

test("a shared block has a row of each sequence", () => {
  const held = owners({counts: [3, 2], tokens: [40, 20], block: 16}, [7, 2, 9, 7, 4])
  assert.deepEqual([...held.keys()], [7, 2, 9, 4])
  assert.deepEqual(held.get(7), [{sequence: 0, logical: 0, tokens: 16, order: 0}, {sequence: 1, logical: 0, tokens: 16, order: 3}])
  assert.deepEqual(held.get(9), [{sequence: 0, logical: 2, tokens: 8, order: 2}])
  assert.deepEqual(held.get(4), [{sequence: 1, logical: 1, tokens: 4, order: 3}])
})

test("neighbours are one run, as far as the line goes", () =>
  assert.deepEqual(runsOf([5, 3, 4, 9, 6, 7, 8], 8), [[3, 7], [8, 9]]))

test("a name stands after its run, before it, or nowhere", () => {
  assert.deepEqual(nextTo([[0, 1]], [3], 8), [{line: 0, start: 2}])
  assert.deepEqual(nextTo([[12, 15]], [3], 8), [{line: 1, start: 1}])
  assert.deepEqual(nextTo([[0, 7]], [3], 8), [null])
})

test("two names never lie on each other", () =>
  assert.deepEqual(nextTo([[0, 0], [4, 4]], [3, 3], 8), [{line: 0, start: 1}, {line: 0, start: 5}]))
