// One run's requests: what each does when, and how many tokens it has in the cache.
import {upTo} from "../../kit/js/ascending.js"
import {SPELL} from "../../kit/js/numbers.js"
/** @import {Row} from "../../kit/js/browser.d.ts" */
/** @import {Run} from "./payloads.d.ts" */
/** @import {About, Phase} from "./told.d.ts" */
/** By the number that the server sends. @type {Phase[]} */

export const PHASES = ["waiting", "prefill", "decode", "preempted"]
const PREFILL = 1, DECODE = 2

export class Lives {
  /** @param {Pick<Run, "lives" | "requests" | "steps" | "counts" | "totals">} run */
  constructor({lives, requests, steps, counts, totals}) {
    this.lives = lives
    this.requests = requests
    this.steps = steps
    this.counts = counts
    this.totals = totals
    this.size = requests.prompt.length
    const joined = Array.from({length: this.size}, (_, request) => lives.end[requests.first[request]])
    let latest = 0
    this.joins = joined.map((time) => (latest = Math.max(latest, time)))
  }

  /** @type {(request: number) => number} */
  first(request) { return this.requests.first[request] }

  /** @type {(request: number) => number} */
  last(request) { return (request + 1 < this.size ? this.first(request + 1) : this.lives.phase.length) - 1 }

  /** The phase a request is in, by its place in the columns; undefined before it comes and after its end.
   * @type {(request: number, now: number) => number | undefined} */
  rowAt(request, now) {
    const {start, end} = this.lives
    for (let row = this.first(request); row <= this.last(request); row++)
      if (start[row] <= now && now < end[row]) return row
    return undefined
  }

  /** Tokens in the cache; undefined during a prefill, whose chunks are not told.
   * @type {(request: number, now: number) => number | undefined} */
  tokensAt(request, now) {
    const row = this.rowAt(request, now)
    if (row === undefined) return 0
    const {phase, tokens, step} = this.lives
    if (phase[row] === PREFILL) return undefined
    return phase[row] === DECODE ? tokens[row] + upTo(this.steps, now) - step[row] : 0
  }

  /** What a request does now, in words. @type {(request: number, now: number) => string} */
  says(request, now) {
    const row = this.rowAt(request, now)
    if (row === undefined) return now < this.requests.queued_s[request] ? "not arrived yet" : "finished"
    const tokens = this.tokensAt(request, now), phase = PHASES[this.lives.phase[row]]
    return phase === "decode" ? `decoding, ${SPELL.count(tokens ?? 0)} tokens in the cache` : phase === "preempted" ? "preempted, waiting again" : phase
  }

  /** The requests' counts and the pool's totals that hold at a time. @type {(now: number) => Row} */
  row(now) {
    const {when, ...counts} = this.counts, {when: events, ...totals} = this.totals
    const at = upTo(when, now) - 1, event = Math.max(0, upTo(events, now) - 1)
    return Object.fromEntries([
      ...Object.entries(counts).map(([name, column]) => [name, at < 0 ? 0 : column[at]]),
      ...Object.entries(totals).map(([name, column]) => [name, column[event]]),
    ])
  }

  /** How far the queue has moved on: the last request that joined, and the share of the way to the next.
   * @type {(now: number) => number} */
  frontier(now) {
    const next = upTo(this.joins, now)
    if (!next || next === this.size) return next - 1
    const [from, to] = [this.joins[next - 1], this.joins[next]]
    return next - 1 + (now - from) / (to - from)
  }

  /** Tokens in the cache over a request's life as points [time, tokens], straight through each phase.
   * @type {(request: number) => About["curve"]} */
  curve(request) {
    const {phase, start, end, tokens, step} = this.lives
    /** @type {About["curve"]} */
    const points = []
    for (let row = this.first(request); row <= this.last(request); row++) {
      const none = phase[row] !== PREFILL && phase[row] !== DECODE
      const from = phase[row] === DECODE ? tokens[row] : 0
      const to = none ? 0 : phase[row] === DECODE ? tokens[row] + upTo(this.steps, end[row]) - step[row] : tokens[row]
      points.push([start[row], from], [end[row], to])
    }
    return points
  }

  /** @type {(request: number) => About["phases"]} */
  phasesOf(request) {
    const {phase, start, end} = this.lives
    return Array.from({length: this.last(request) - this.first(request) + 1}, (_, i) => {
      const row = this.first(request) + i
      return {phase: PHASES[phase[row]], start: start[row], end: end[row]}
    })
  }
}
