// What moves on the dies and lanes: particles, units, the triangle's tiles, the meters.
const SWEEP_SECONDS = 2.4, CROSS_SECONDS = 1.2, TAIL = 13, BRIGHT = 3

class Inside {
  constructor(model, source) {
    Object.assign(this, {model, places: model.places, source})
    const {squares, triangle: [x, y, w, h]} = this.places, Image = model.state.constructor
    this.image = new Image(squares * squares, [squares, squares])
    this.put("tiles", {image: [this.image], x: [x], y: [y], w: [w], h: [h]})
  }

  put(name, columns) { put(this.source(name), columns) }

  // The numbers of a row: the dot on the diagonal, the meters, the texts.
  show(row, end) {
    const {triangle: [x, y, w], tracks} = this.places, reach = (row.when / end) * w
    this.put("walked", {x0: [x], y0: [y], x1: [x + reach], y1: [y + reach]})
    this.put("dot", {x: [x + reach], y: [y + reach]})
    const shares = ["prefill_compute", "prefill_memory", "decode_compute", "decode_memory"].map((name) => row[name] || 0)
    const bars = tracks.map(([left, middle, width, high], i) => [left, middle, Math.max(high, width * shares[i]), high])
    this.put("levels", {x: bars.map(([left, , width]) => left + width / 2), y: bars.map((bar) => bar[1]),
                        w: bars.map((bar) => bar[2]), h: bars.map((bar) => bar[3])})
    this.write(row, end)
  }

  write(row, end) {
    const bound = (name) => (isNaN(row[`${name}_compute`]) ? "rate not known" : row[`${name}_compute`] > row[`${name}_memory`] ? "compute bound" : "memory bound")
    const words = {
      context: SPELL.count(row.when),
      end: `of ${SPELL.count(end)} tokens`,
      scores: row.scores > 0 ? SPELL.gib(row.scores) + " GiB" : "0 B",
      prefill_bound: bound("prefill"), decode_bound: bound("decode"),
    }
    for (const name of ["prefill_compute", "prefill_memory", "decode_compute", "decode_memory"])
      words[name] = isNaN(row[name]) ? "?" : SPELL.percent0(row[name])
    const texts = this.places.texts
    this.put("facts", {x: texts.map((t) => t[1]), y: texts.map((t) => t[2]), text: texts.map((t) => words[t[0]]),
                       size: texts.map((t) => t[3]), style: texts.map((t) => t[4]), align: texts.map((t) => t[5])})
  }

  // One moment of the playing: `time` in seconds of play, so that a paused page stands still.
  animate(row, end, time) {
    this.sweep(row, end, (time / SWEEP_SECONDS) % 1)
    this.work(row, (time / SWEEP_SECONDS) % 1)
    this.stream(row, time)
  }

  // Queries upward, keys to the right: a query attends to the keys up to itself.
  sweep(row, end, phase) {
    const {squares, tiles} = this.places, filled = Math.ceil((row.when / end) * squares)
    const front = Math.floor(phase * (filled + BRIGHT))
    for (let query = 0; query < squares; query++)
      for (let key = 0; key < squares; key++)
        this.image[query * squares + key] = this.square(query, key, filled, front, row.scores > 0, tiles)
    this.source("tiles").change.emit()
  }

  square(query, key, filled, front, solid, tiles) {
    if (key > query) return tiles.none
    if (query >= filled) return tiles.beyond
    if (solid) return tiles.solid
    if (key > front) return tiles.ahead
    return key > front - BRIGHT ? tiles.tile : tiles.done
  }

  work(row, phase) {
    const {tone, x} = this.source("units").data, {tiles} = this.places
    if (!tone?.length) return
    const left = Math.min(...x), width = Math.max(...x) - left || 1
    for (let i = 0; i < tone.length; i++) {
      const behind = phase * 1.3 - (x[i] - left) / width
      tone[i] = behind < 0 || behind > 0.5 ? tiles.ahead : behind < 0.18 ? tiles.tile : tiles.done
    }
    this.source("units").change.emit()
  }

  // As many particles as the decode step moves bytes a second; weights purple, the cache by sequence.
  stream(row, time) {
    const {lanes, particles} = this.places
    const count = Math.round(particles * Math.min(1, row.bandwidth_share)), weights = row.weights_read_share
    const columns = {x0: [], y0: [], x1: [], y1: [], tone: []}
    for (let i = 0; i < count; i++) {
      const [ax, ay, bx, by] = lanes[(i * 7) % lanes.length], length = Math.hypot(bx - ax, by - ay)
      const way = (time / CROSS_SECONDS + i * 0.618034) % 1, tail = Math.max(0, way - TAIL / length)
      columns.x0.push(ax + (bx - ax) * tail)
      columns.y0.push(ay + (by - ay) * tail)
      columns.x1.push(ax + (bx - ax) * way)
      columns.y1.push(ay + (by - ay) * way)
      columns.tone.push((i * 0.7548777) % 1 < weights ? 0 : 1 + (i % 8))
    }
    this.put("particles", columns)
  }
}
