// Requests over time and the whole run: filled once a run, then only moved.
const FRONTIER = 16.5, PLAYHEAD = 0.6 // lanes above the last request that joined; share of the window before the playhead
const GLIDE = 0.15 // of the way to where the lanes should be, each frame

const sources = (figure) => Object.fromEntries(
  figure.renderers.filter(({data_source}) => data_source).map(({data_source}) => [data_source.name, data_source]))

class Chart {
  constructor(model) {
    Object.assign(this, {model, gantt: model.data.gantt, overview: model.data.overview})
    this.lane = this.gantt.center.find(({name}) => name === "lane")
  }

  show(lives, areas) {
    this.lives = lives
    const columns = {waiting: {}, prefill: {}, decode: {}, preempted: {}}
    for (const name of PHASES) columns[name] = {start: [], end: [], lane: [], ...(name === "decode" ? {colour: []} : {})}
    const {request, phase, start, end} = lives.lives
    for (let row = 0; row < phase.length; row++) {
      const bars = columns[PHASES[phase[row]]]
      bars.start.push(start[row])
      bars.end.push(end[row])
      bars.lane.push(request[row])
      bars.colour?.push(request[row] % 8)
    }
    const lanes = sources(this.gantt)
    for (const name of PHASES) put(lanes[name], columns[name])
    const {when, base, ...tops} = areas, names = Object.keys(sources(this.overview).areas.data).slice(2)
    put(sources(this.overview).areas, {when, base, ...Object.fromEntries(names.map((name, i) => [name, tops[`top${i}`]]))})
  }

  queues(a, b) {
    const over = sources(this.overview)
    put(over.queue_a, a)
    put(over.queue_b, b)
  }

  // The window around the playhead: seconds, and the first lane, to which it glides while playing.
  move(now, gliding) {
    const {seconds, window, layout: {lanes}} = this.model
    this.start = Math.max(0, Math.min(now - PLAYHEAD * window, seconds - window))
    const first = this.firstAt(now)
    this.first = gliding ? this.first + GLIDE * (first - this.first) : first
    const quiet = {sync: false}
    this.gantt.x_range.setv({start: this.start, end: this.start + window}, quiet)
    this.gantt.y_range.setv({start: this.first + lanes - 0.5, end: this.first - 0.5}, quiet)
  }

  // Where the queue is now, but with the followed request in sight as long as it is served.
  firstAt(now) {
    const {lanes} = this.model.layout, followed = this.followed
    let first = this.lives.frontier(now) - FRONTIER
    if (this.lives.rowAt(followed, now) > this.lives.first(followed)) first = Math.max(followed - lanes + 2, Math.min(first, followed - 1))
    return Math.max(0, Math.min(first, this.lives.size - lanes))
  }

  follow(request) {
    this.followed = request
    this.lane.setv({bottom: request - 0.5, top: request + 0.5}, {sync: false})
  }

  // Where a time lies in the window, and in the whole run, as shares.
  share(now) { return (now - this.start) / this.model.window }

  laneAt(share) {
    const lane = Math.round(this.first - 0.5 + share * this.model.layout.lanes)
    return lane >= 0 && lane < this.lives.size ? lane : undefined
  }

  // The requests whose lanes are seen.
  seen() { return [Math.ceil(this.first), Math.min(this.lives.size, Math.ceil(this.first) + this.model.layout.lanes) - 1] }
}
