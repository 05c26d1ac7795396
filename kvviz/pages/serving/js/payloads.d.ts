// What Python sends to the Serving page's components; a parameter each.
import type {Figure, Whole} from "../../kit/js/browser.d.ts"

export interface ServingPlayer {
  gantt: Figure
  overview: Figure
  headline: string
  titles: [string, string]
  legends: [string, string]
  a: Run
  b: Run
  grid: Grid
  palette: string[]
  layout: Layout
  seconds: number
  window: number
  start: number
  follow: number
  autoplay: boolean
  revision: number
}

/** A run as arrays; times are seconds but for the changes', which are units. */
export interface Run {
  unit: number
  changes: Changes
  lives: LifeRows
  requests: Requests
  steps: Float64Array
  counts: Counts
  totals: Totals
  areas: Areas
  queue: Queue
}

/** Blocks that change hands: when, the first of how many, whose they are, and what they are to it. */
export interface Changes {
  when: Whole
  page: Whole
  pages: Whole
  owner: Whole
  state: Whole
}

/** Phases of requests, request after request. */
export interface LifeRows {
  start: Float64Array
  end: Float64Array
  request: Float64Array
  phase: Float64Array
  step: Float64Array
  tokens: Float64Array
}

/** A value a request. */
export interface Requests {
  prompt: Float64Array
  output: Float64Array
  queued_s: Float64Array
  end_s: Float64Array
  ttft_s: Float64Array
  tpot_s: Float64Array
  preemptions: Float64Array
  cached_tokens: Float64Array
  first: Float64Array
}

/** Requests in each state over time. */
export interface Counts {
  when: Float64Array
  running: Float64Array
  waiting: Float64Array
  ended: Float64Array
}

/** What the pool holds over time. */
export interface Totals {
  when: Float64Array
  unfilled: Float64Array
  used_bytes: Float64Array
  taken_bytes: Float64Array
  waste: Float64Array
}

/** The pool over the run: tops of areas by their place, `top0` and on. */
export interface Areas {
  when: Float64Array
  base: Float64Array
  [top: `top${number}`]: Float64Array
}

/** The requests that wait, in the overview's coordinates. */
export interface Queue {
  when: Float64Array
  waiting: Float64Array
}

/** Cells of a pool. */
export interface Grid {
  blocks: number
  each: number
  columns: number
  rows: number
  marked: boolean
}

export interface Layout {
  codes: Codes
  lanes: number
  block_size: number
  longest: number
  requests: number
  paged: [boolean, boolean]
  policies: [string, string]
  overview: {left: number, right: number}
  tick: number
}

/** Places on the palette. */
export interface Codes {
  free: number
  reserved: number
  held: number
  cached: number
  followed: number
  card: number
}

export interface RequestCard {}

export interface TraceUpload {
  limit: number
  problem: string
  partial: boolean
  revision: number
}
