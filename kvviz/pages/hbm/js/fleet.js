// Several GPUs as one address space, where the run does not fit one; texts and bar follow the row.
const ROOMY = 250 // px of a package that has room for a sentence
const AMOUNT = 290 // scene units of a package with room for an amount beside its number, on a phone
const END_LABEL = 190 // scene units that the label of the first GPU's end takes
const PULL_MS = 600, APPEAR_MS = 150 // the camera pulls back, then one missing GPU after the other appears

class Fleet {
  constructor(source, texts, places, layout, images) {
    Object.assign(this, {source, texts, places, layout, images, timers: []})
    const {bar: [left, bottom, w, h], columns} = places
    this.reveal(layout.gpus)
    this.strip = new images[0].constructor(columns, [1, columns])
    this.put("bar", {left: [left], bottom: [bottom], w: [w], h: [h], image: [this.strip]})
  }

  put(name, columns) { put(this.source(name), columns) }

  // Shows the memory of the first GPUs; the others are not there yet.
  reveal(count) {
    const {sites} = this.places, each = this.images.length / this.layout.gpus
    const part = (from, to) => Object.fromEntries(Object.entries(sites).map(([name, column]) => [name, column.slice(from, to)]))
    this.revealed = count
    this.put("fleet_sites", part(0, each * count))
    this.put("fleet_pages", {...part(0, each), image: this.images.slice(0, each)})
    this.put("fleet_spill", {...part(each, each * count), image: this.images.slice(each, each * count)})
  }

  // Lets the missing GPUs come one after the other, given how to draw what is there by now.
  appear(draw) {
    this.stop()
    this.reveal(1)
    this.timers = Array.from({length: this.layout.gpus - 1}, (_, gpu) =>
      setTimeout(() => { this.reveal(gpu + 2); draw() }, PULL_MS + APPEAR_MS * gpu))
  }

  stop() { this.timers.forEach(clearTimeout) }

  show(row, pages) {
    for (const name of ["fleet_pages", "fleet_spill"]) this.source(name).change.emit()
    this.box(row)
    this.spread(pages)
    this.mark(row)
  }

  // What a GPU holds of the run so far, in bytes.
  held(row, gpu) { return Math.max(0, Math.min(this.layout.capacity, row.total - gpu * this.layout.capacity)) }

  // A package is there, missing, or not needed yet; its dies and inactive sites lie on it.
  box(row) {
    const {frames, dies, spare, spare_look, ground, looks} = this.places
    const columns = Object.fromEntries(Object.entries(ground).map(([name, column]) => [name, [...column]]))
    const add = (boxes, look) => {
      for (const name in columns) columns[name].push(...(boxes[name] ?? boxes.x.map(() => look[name])))
    }
    for (let gpu = 0; gpu < this.revealed; gpu++) {
      const [frame, die] = looks[gpu === 0 ? "owned" : this.held(row, gpu) > 0 ? "missing" : "later"]
      add(Object.fromEntries(Object.entries(frames).map(([name, column]) => [name, [column[gpu]]])), frame)
      add(dies[gpu], die)
      add(spare[gpu], spare_look)
    }
    this.put("fleet_boxes", columns)
  }

  // Each column of the bar shows the page at its middle; beyond the first GPU under the red wash.
  spread(pages) {
    const {columns} = this.places, {gpu_pages, codes} = this.layout, wash = codes.scores + 1
    for (let i = 0; i < columns; i++) {
      const page = Math.floor(((i + 0.5) / columns) * this.layout.pages)
      this.strip[i] = pages.code(page) + (page >= gpu_pages ? wash : 0)
    }
    this.source("bar").change.emit()
  }

  // Where a byte of the address space lies on the bar.
  at(bytes) {
    const [x, , w] = this.places.bar
    return x + (w * bytes) / (this.layout.capacity * this.layout.gpus)
  }

  mark(row) {
    const [, y, , h] = this.places.bar, {capacity, gpus} = this.layout, {ends, over} = this.places.lines, from = this.at(capacity)
    const to = Math.min(this.at(row.total), this.at(capacity * gpus)), marks = []
    for (let gpu = 1; gpu < gpus; gpu++) marks.push([this.at(capacity * gpu), gpu > 1 ? y + h : y - 8, this.at(capacity * gpu), y + h + (gpu > 1 ? 6 : 10), ends])
    marks.push([from, y - 14, to, y - 14, over], [from, y - 14, from, y - 7, over], [to, y - 14, to, y - 7, over])
    this.put("bar_marks", Object.fromEntries(["x0", "y0", "x1", "y1", "line"].map((name, i) => [name, marks.map((mark) => mark[i])])))
  }

  // A phone has the room for what no other card says.
  write(row, phone) {
    const gpus = Array.from({length: this.revealed}, (_, gpu) => this.package(row, gpu, phone))
    this.texts.put("fleet", [...gpus.flat(), ...(phone ? this.aboutSmallBar(row) : this.aboutBar(row))])
  }

  package(row, gpu, phone) {
    const {frames, dies} = this.places, {capacity} = this.layout, held = this.held(row, gpu), roomy = frames.w[gpu] > ROOMY && !phone
    const [left, top, wide] = [frames.left[gpu], frames.bottom[gpu] + frames.h[gpu] + 9, frames.w[gpu]]
    const first = this.layout.which_gpu || "GPU 0, the one you have"
    const [name, amount] = gpu === 0 ? [first, `${SPELL.gib(capacity)} GiB`]
      : held > 0 ? [`GPU ${gpu}, missing`, `+${SPELL.gib(held)} GiB`] : [`GPU ${gpu}, not needed yet`, roomy ? "" : "not yet"]
    const role = gpu > 0 && held > 0 ? "red-text" : gpu ? "text3" : "text1", how = this.layout.capacity_kind
    const middle = (low, size) => low.map((at, i) => [at, at + size[i]]).flat()
    const across = middle(dies[gpu].left, dies[gpu].w), down = middle(dies[gpu].bottom, dies[gpu].h)
    const x = (Math.min(...across) + Math.max(...across)) / 2, y = (Math.min(...down) + Math.max(...down)) / 2
    const share = held === capacity ? "full" : held ? SPELL.percent0(held / capacity) : "empty"
    if (phone) return [
      {x: left + 2, y: top, text: `GPU ${gpu}`, bold: true, role},
      {x: left + wide - 2, y: top, text: wide > AMOUNT && held > 0 ? amount.replace(" GiB", "") : "", bold: gpu > 0, align: "right", role, how},
      {x, y: y - 2, text: String(gpu), size: 20, bold: true, align: "center", role},
      {x, y: y - 28, text: share, bold: true, align: "center", role, how},
    ]
    return [
      {x: left + 2, y: top, text: roomy ? name : `GPU ${gpu}`, size: roomy ? 15 : 13, bold: true, role},
      {x: left + wide - 2, y: top, text: amount, size: roomy ? 15 : 13, bold: held > 0 && gpu > 0, align: "right", role, how},
      {x, y: y + 26, text: wide > 200 ? "GPU" : "", align: "center", role: "text3"},
      {x, y: y - 6, text: String(gpu), size: roomy ? 30 : 20, bold: true, align: "center", role},
      {x, y: y - 28, text: share, bold: true, align: "center", role, how},
    ]
  }

  // GPUs that the run needs beyond those shown.
  beyond(row) { return Math.max(0, Math.ceil(row.total / this.layout.capacity) - this.layout.gpus) }

  aboutSmallBar(row) {
    const {capacity, gpu, capacity_kind: how} = this.layout, [, y, w, h] = this.places.bar, end = this.at(capacity), beyond = this.beyond(row)
    const over = SPELL.gib(row.over), [x, align] = end < 0.4 * w ? [end, "left"] : [w - 2, "right"]
    return [
      {x: 2, y: y + h + 36, text: "One address space, filled in order", bold: true, role: "text1"},
      {x: end <= w / 2 ? end + 6 : end - 6, y: y + h + 10, text: `${gpu} ends here, ${SPELL.gib(capacity)}`, align: end <= w / 2 ? "left" : "right", bold: true, role: "text1", how},
      {x, y: y - 34, text: beyond ? `${over} GiB over, ${SPELL.count(beyond)} GPUs not shown` : `${over} GiB has nowhere to go`, align, bold: true, role: "red-text", how},
    ]
  }

  aboutBar(row) {
    const {capacity, gpu, gpus, capacity_kind: how} = this.layout, [, y, w, h] = this.places.bar, end = this.at(capacity)
    const beyond = this.beyond(row), [x, align] = end < 220 ? [end + 6, "left"] : [end - 6, "right"]
    const past = beyond > 0 ? `, ${SPELL.count(beyond)} more GPU${beyond > 1 ? "s" : ""} of it past this picture` : ""
    const first = align === "left" ? x + END_LABEL : end // from here on there is room for the ends of others
    const others = Array.from({length: gpus - 1}, (_, i) => capacity * (i + 2)).filter((bytes) => this.at(bytes) - 50 > first)
    return [
      {x: 2, y: y + h + 32, text: "One address space, filled in order", size: 15, bold: true, role: "text1"},
      {x, y: y + h + 11, text: `one ${gpu} ends here, ${SPELL.gib(capacity)}`, align, bold: true, role: "text1", how},
      ...others.map((bytes) => ({x: this.at(bytes) - 4, y: y + h + 11, text: SPELL.gib1(bytes), align: "right", role: "text3", how})),
      {x: end, y: y - 32, text: `${SPELL.gib(row.over)} GiB has nowhere to go${past}`, size: 15, bold: true, role: "red-text", how},
      {x: w - 2, y: y - 32, text: `${SPELL.gib(row.unused)} GiB reserved and unused`, align: "right", how: "computed"},
    ]
  }
}
