// Requests over time and the whole run: painted seldom, larger than they are seen, and then only moved.
const FRONTIER = 16.5, PLAYHEAD = 0.6 // lanes above the last request that joined; share of the window before the playhead
const GLIDE = 0.15 // of the way to where the lanes should be, each frame
const SHEET = 2 // times as wide and as high as what is seen of it
const BEHIND = 0.1 // of the window, and of the lanes, that a new sheet has before what is seen
const EVERY = 4 // lanes from one label to the next

const sources = (figure) => Object.fromEntries(
  figure.renderers.filter(({data_source}) => data_source).map(({data_source}) => [data_source.name, data_source]))

class Chart {
  constructor(model, find, moved) {
    Object.assign(this, {model, gantt: model.data.gantt, overview: model.data.overview, styles: new Map()})
    this.parts = Object.fromEntries(["window", "plot", "times", "lanes"].map((name) => [name, find(`.requests .${name}`)]))
    this.over = find(".over .frame")
    this.sized = new ResizeObserver(() => { this.measure(); moved() })
    this.sized.observe(this.parts.window)
    this.sized.observe(this.over)
    this.measure()
  }

  stop() { this.sized.disconnect() }

  measure() {
    const {window: seen} = this.parts
    Object.assign(this, {wide: seen.clientWidth, high: seen.clientHeight, full: this.over.clientWidth})
    if (this.start !== undefined) this.slide()
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
    this.sheet = undefined
  }

  queues(a, b) {
    const over = sources(this.overview)
    put(over.queue_a, a)
    put(over.queue_b, b)
  }

  // The window around the playhead: seconds, and the first lane, to which it glides while playing.
  move(now, gliding) {
    const {seconds, window} = this.model
    this.start = Math.max(0, Math.min(now - PLAYHEAD * window, seconds - window))
    const first = this.firstAt(now)
    this.first = gliding ? this.first + GLIDE * (first - this.first) : Math.round(first)
    if (!this.covered()) this.lay()
    this.slide()
  }

  covered() {
    const {sheet, start, first} = this, {window, layout: {lanes}} = this.model
    return sheet && start >= sheet.start && start <= sheet.start + (SHEET - 1) * window &&
      first >= sheet.first && first <= sheet.first + (SHEET - 1) * lanes
  }

  // Has a sheet painted that holds the window, and what comes next.
  lay() {
    const {window, layout: {lanes, tick}} = this.model
    const start = Math.max(0, this.start - BEHIND * window), first = Math.max(0, Math.floor(this.first - BEHIND * lanes))
    const end = start + SHEET * window, last = first + SHEET * lanes, quiet = {sync: false}
    this.sheet = {start, first}
    this.gantt.x_range.setv({start, end}, quiet)
    this.gantt.y_range.setv({start: last - 0.5, end: first - 0.5}, quiet)
    const label = (side, share, text, kind = "") => `<span class="${kind}" style="${side}: ${100 * share}%">${text}</span>`
    const from = Math.ceil(start / tick), digits = Math.max(0, -Math.floor(Math.log10(tick) + 1e-9))
    const times = Array.from({length: Math.floor(end / tick) - from + 1}, (_, i) => from + i)
    this.parts.times.innerHTML = times.map((n) =>
      label("left", (n * tick - start) / (end - start), grouped(n * tick, digits), n % 2 ? "between" : "")).join("")
    const labelled = Array.from({length: last - first}, (_, i) => first + i).filter((lane) => lane % EVERY === 0 && lane < this.lives.size)
    this.parts.lanes.innerHTML = `<i class="lane"></i>${labelled.map((lane) => label("top", (lane - first + 0.5) / (last - first), `#${lane}`)).join("")}<b></b>`
    this.mark()
  }

  // Whole pixels of the screen keep it sharp.
  slide() {
    const {sheet, wide, high, start, first, model: {window, layout: {lanes}}} = this
    if (!sheet) return
    const snap = (px) => Math.round(px * devicePixelRatio) / devicePixelRatio
    const x = snap((-(start - sheet.start) / window) * wide), y = snap((-(first - sheet.first) / lanes) * high)
    this.still(this.parts.plot, `translate(${x}px, ${y}px)`)
    this.still(this.parts.times, `translateX(${x}px)`)
    this.still(this.parts.lanes, `translateY(${y}px)`)
  }

  // Sets where an element is, if that is new.
  still(element, transform) {
    if (this.styles.get(element) === transform) return
    this.styles.set(element, transform)
    element.style.transform = transform
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
    if (this.sheet) this.mark()
  }

  // The followed request's lane stands out, label and all.
  mark() {
    const {lanes} = this.model.layout, middle = (this.followed - this.sheet.first + 0.5) / (SHEET * lanes), strip = this.parts.lanes
    const lane = strip.firstElementChild, name = strip.lastElementChild
    lane.style.top = name.style.top = `${100 * middle}%`
    lane.style.height = `${100 / (SHEET * lanes)}%`
    lane.hidden = name.hidden = middle < 0 || middle > 1
    name.textContent = `#${this.followed}`
    for (const label of strip.querySelectorAll("span")) label.hidden = label.textContent === name.textContent
  }

  // Where a time lies in the window, and in the whole run, as shares; and where a share is, px from the left.
  share(now) { return (now - this.start) / this.model.window }

  across(share) { return share * this.wide }

  along(share) {
    const {left, right} = this.model.layout.overview
    return left + share * (this.full - left - right)
  }

  laneAt(share) {
    const lane = Math.round(this.first - 0.5 + share * this.model.layout.lanes)
    return lane >= 0 && lane < this.lives.size ? lane : undefined
  }

  // The requests whose lanes are seen.
  seen() { return [Math.ceil(this.first), Math.min(this.lives.size, Math.ceil(this.first) + this.model.layout.lanes) - 1] }
}
