// Two schedulers' runs: blocks at a time, forward and back, and what requests do.
import assert from "node:assert/strict"
import {test} from "node:test"
import {Blocks, STATE} from "../../kvviz/pages/serving/js/blocks.js"
import {Lives} from "../../kvviz/pages/serving/js/lives.js"

const codes = {free: 0, reserved: 1, held: 2, cached: 10, followed: 18, card: 19}
const grid = {blocks: 8, each: 1, columns: 4, rows: 2, marked: false}
const {free, reserved, used, cached, shared} = STATE
// At 1: request 0 takes 1 to 3; at 2: request 1 takes 4; at 3: block 2 is shared; at 4: 0 ends and is cached.
const changes = {
  when: Uint8Array.of(1, 2, 3, 4), page: Uint8Array.of(1, 4, 2, 1), pages: Uint8Array.of(3, 1, 1, 3),
  owner: Uint8Array.of(0, 1, 1, 0), state: Uint8Array.of(used, used, shared, cached),
}
const blocksOf = (more = {}) => new Blocks({changes, unit: 1}, {...grid, ...more}, {codes})

/** Codes of all cells, brought up to date. @type {(blocks: Blocks) => number[]} */
const seen = (blocks) => {
  blocks.drain(() => {})
  return [...blocks.codes]
}

test("blocks change hands with time, and back", () => {
  const blocks = blocksOf()
  assert.equal(blocks.seek(0.5), false)
  assert.equal(blocks.seek(2), true)
  assert.deepEqual(seen(blocks), [2, 2, 2, 3, 0, 0, 0, 0])
  blocks.seek(4)
  assert.deepEqual(seen(blocks), [10, 10, 10, 3, 0, 0, 0, 0])
  assert.equal(blocks.seek(1), true)
  assert.deepEqual(seen(blocks), [2, 2, 2, 0, 0, 0, 0, 0])
  assert.deepEqual([free, used, cached].map((state) => blocks.counts[state]), [5, 3, 0])
})

test("only cells that may have changed are told of", () => {
  const blocks = blocksOf()
  seen(blocks)
  blocks.seek(2)
  /** @type {number[]} */
  const told = []
  blocks.drain((cell) => told.push(cell))
  assert.deepEqual(told, [0, 1, 2, 3])
})

test("the followed request's blocks are counted, and the runs in which they lie", () => {
  const blocks = blocksOf()
  blocks.follow(0)
  blocks.seek(2)
  assert.deepEqual([blocks.count, blocks.runs], [3, 1])
  assert.deepEqual(seen(blocks).slice(0, 4), [18, 18, 18, 3])
  blocks.seek(3)
  assert.deepEqual([blocks.count, blocks.runs], [2, 2])
  assert.equal(blocks.heldBy(1), 2)
  blocks.follow(1)
  assert.deepEqual([blocks.count, blocks.runs], [2, 2])
})

test("a region begins when it is reserved and ends when it is free", () => {
  const regions = {...changes, when: Uint8Array.of(1, 2, 3, 4), page: Uint8Array.of(1, 1, 1, 5), pages: Uint8Array.of(4, 1, 4, 2),
    owner: Uint8Array.of(0, 0, 0, 1), state: Uint8Array.of(reserved, used, free, reserved)}
  const blocks = new Blocks({changes: regions, unit: 1}, grid, {codes})
  blocks.seek(2)
  assert.deepEqual([...blocks.regions.values()], [{owner: 0, first: 1, count: 4}])
  assert.deepEqual(seen(blocks), [2, 1, 1, 1, 0, 0, 0, 0])
  blocks.seek(4)
  assert.deepEqual([...blocks.regions.keys()], [5])
})

test("a cell of several blocks shows what most of them are", () => {
  const blocks = blocksOf({each: 4, columns: 2, rows: 1})
  blocks.seek(2)
  assert.deepEqual(seen(blocks), [2, 0])
  assert.equal(blocks.blockAt(0.6, 0.5), 5)
  assert.equal(blocks.blockAt(1, 0.5), undefined)
})

// Request 0 waits, prefills and decodes from 2 s on; request 1 waits, is preempted and decodes.
const numbers = (/** @type {number[]} */ ...values) => Float64Array.of(...values)
const lives = new Lives({
  lives: {
    request: numbers(0, 0, 0, 1, 1, 1, 1), phase: numbers(0, 1, 2, 0, 1, 3, 2), start: numbers(0, 1, 2, 0.5, 2, 3, 5),
    end: numbers(1, 2, 6, 2, 3, 5, 7), step: numbers(0, 0, 2, 0, 0, 0, 5), tokens: numbers(0, 10, 10, 0, 20, 0, 30),
  },
  requests: {
    prompt: numbers(10, 20), output: numbers(4, 4), queued_s: numbers(0, 0.5), end_s: numbers(6, 7), ttft_s: numbers(2, 3),
    tpot_s: numbers(1, 1), preemptions: numbers(0, 1), cached_tokens: numbers(0, 0), first: numbers(0, 3),
  },
  steps: numbers(1, 2, 3, 4, 5, 6),
  counts: {when: numbers(0.5, 1), running: numbers(0, 1), waiting: numbers(2, 1), ended: numbers(0, 0)},
  totals: {when: numbers(1, 2), unfilled: numbers(3, 4), used_bytes: numbers(5, 6), taken_bytes: numbers(7, 8), waste: numbers(0.1, 0.2)},
})

test("a request says what it does", () => {
  const said = [[0, 0.5, "waiting"], [0, 1.5, "prefill"], [0, 3, "decoding, 11 tokens in the cache"], [0, 6, "finished"],
                [1, 0.2, "not arrived yet"], [1, 4, "preempted, waiting again"]]
  for (const [request, now, words] of said) assert.equal(lives.says(Number(request), Number(now)), words)
})

test("tokens of a prefill are not told", () => {
  assert.equal(lives.tokensAt(0, 1.5), undefined)
  assert.equal(lives.tokensAt(0, 5.5), 13)
  assert.equal(lives.tokensAt(1, 4), 0)
})

test("numbers hold until the next event", () => {
  assert.deepEqual(lives.row(0), {running: 0, waiting: 0, ended: 0, unfilled: 3, used_bytes: 5, taken_bytes: 7, waste: 0.1})
  assert.deepEqual(lives.row(2.5), {running: 1, waiting: 1, ended: 0, unfilled: 4, used_bytes: 6, taken_bytes: 8, waste: 0.2})
})

test("the queue moves on between the requests that join", () =>
  assert.deepEqual([0, 1, 1.5, 2, 9].map((now) => lives.frontier(now)), [-1, 0, 0.5, 1, 1]))

test("a life is drawn straight through each phase", () =>
  assert.deepEqual(lives.curve(0), [[0, 0], [1, 0], [1, 0], [2, 10], [2, 10], [6, 14]]))
