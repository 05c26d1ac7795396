// One run's requests: what each does when, and how many tokens it has in the cache.
const PHASES = ["waiting", "prefill", "decode", "preempted"]
const [WAITING, PREFILL, DECODE] = [0, 1, 2]

// How many of ascending values are not after `value`.
function upTo(values, value) {
  let low = 0, high = values.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (values[middle] <= value) low = middle + 1
    else high = middle
  }
  return low
}

class Lives {
  constructor({lives, requests, steps, counts, totals}) {
    Object.assign(this, {lives, requests, steps, counts, totals})
    this.size = requests.prompt.length
    const joined = Array.from({length: this.size}, (_, request) => lives.end[requests.first[request]])
    let latest = 0
    this.joins = joined.map((time) => (latest = Math.max(latest, time)))
  }

  first(request) { return this.requests.first[request] }

  last(request) { return (request + 1 < this.size ? this.first(request + 1) : this.lives.phase.length) - 1 }

  // The phase a request is in, by its place in the columns; undefined before it comes and after its end.
  rowAt(request, now) {
    const {start, end} = this.lives
    for (let row = this.first(request); row <= this.last(request); row++)
      if (start[row] <= now && now < end[row]) return row
  }

  // Tokens in the cache; undefined during a prefill, whose chunks are not told.
  tokensAt(request, now) {
    const row = this.rowAt(request, now)
    if (row === undefined) return 0
    const {phase, tokens, step} = this.lives
    if (phase[row] === PREFILL) return undefined
    return phase[row] === DECODE ? tokens[row] + upTo(this.steps, now) - step[row] : 0
  }

  // What a request does now, in words.
  says(request, now) {
    const row = this.rowAt(request, now)
    if (row === undefined) return now < this.requests.queued_s[request] ? "still to come" : "finished"
    const tokens = this.tokensAt(request, now), phase = PHASES[this.lives.phase[row]]
    return phase === "decode" ? `decoding, ${SPELL.count(tokens)} tokens in the cache` : phase === "preempted" ? "preempted, waits again" : phase
  }

  // The requests' counts and the pool's totals that hold at a time.
  row(now) {
    const {counts, totals} = this, values = {}
    const at = upTo(counts.when, now) - 1, event = Math.max(0, upTo(totals.when, now) - 1)
    for (const name of ["running", "waiting", "ended"]) values[name] = at < 0 ? 0 : counts[name][at]
    for (const name of ["unfilled", "used_bytes", "taken_bytes", "waste"]) values[name] = totals[name][event]
    return values
  }

  // How far the queue has moved on: the last request that joined, and the share of the way to the next.
  frontier(now) {
    const next = upTo(this.joins, now)
    if (!next || next === this.size) return next - 1
    const [from, to] = [this.joins[next - 1], this.joins[next]]
    return next - 1 + (now - from) / (to - from)
  }

  // Tokens in the cache over a request's life as points [time, tokens], straight through each phase.
  curve(request) {
    const {phase, start, end, tokens, step} = this.lives, points = []
    for (let row = this.first(request); row <= this.last(request); row++) {
      const none = phase[row] !== PREFILL && phase[row] !== DECODE
      const from = phase[row] === DECODE ? tokens[row] : 0
      const to = none ? 0 : phase[row] === DECODE ? tokens[row] + upTo(this.steps, end[row]) - step[row] : tokens[row]
      points.push([start[row], from], [end[row], to])
    }
    return points
  }

  phasesOf(request) {
    const {phase, start, end} = this.lives
    return Array.from({length: this.last(request) - this.first(request) + 1}, (_, i) => {
      const row = this.first(request) + i
      return {phase: PHASES[phase[row]], start: start[row], end: end[row]}
    })
  }
}
