// Plays a timeline on the scene: applies changes to the rasters, moves the playhead, tells the cards.
const RUN_SECONDS = 20, REST_SECONDS = 1.5, OPENING_SECONDS = 1.1 // a page that opens still shows the tiles in mid-sweep
const TEXTS = ["names", "counts", "labels", "facts", "ghost_labels", "legend"], LEGIBLE = 640 // px wide

export function render({model}) {
  const stage = document.createElement("div")
  stage.className = "stage"
  stage.innerHTML = `<div class="live banner-slot"></div><div class="scene" role="img"></div>
    <div class="live ledger-slot"></div>
    <section class="strip card"><h2>${model.strip_title}</h2><div class="plot" role="img"></div>
      <div class="veil"></div><div class="handle" role="slider" tabindex="0" aria-label="Playhead, tokens of context"><i></i></div></section>`
  const find = (selector) => stage.querySelector(selector)
  const banner = find(".banner-slot"), ledger = find(".ledger-slot")
  for (const name of ["scene", "fleet"]) {
    const layer = document.createElement("div")
    layer.className = `layer ${name}-layer`
    layer.append(model.get_child(name))
    find(".scene").append(layer)
  }
  find(".plot").append(model.get_child("strip"))
  const player = new Player(model, find(".scene"), find(".strip"), find(".handle"))
  const texts = () => {
    banner.innerHTML = model.banner
    ledger.innerHTML = model.ledger
    for (const slot of [banner, ledger]) fill(slot, document.kvviz?.row)
  }
  const reload = () => { texts(); player.load() }
  texts()
  model.on("revision", reload)
  model.on("remove", () => player.stop())
  model.on("after_render", reload)
  hear(model, "row", (row) => { fill(banner, row); fill(ledger, row) })
  return stage
}

class Player {
  constructor(model, scene, strip, handle) {
    Object.assign(this, {model, scene, strip, handle, speed: 1, time: OPENING_SECONDS, playing: false, frame: 0})
    this.inspect = new Inspect(this, scene)
    hear(model, "command", (command) => this.obey(command))
    this.listen()
    new ResizeObserver(() => this.fit()).observe(scene)
  }

  // Text on the scene does not shrink with it; where it would overlap, the cards below tell it.
  fit() {
    const legible = this.scene.clientWidth >= LEGIBLE
    for (const renderer of this.model.data.scene.renderers)
      if (TEXTS.includes(renderer.name) && renderer.visible !== legible) renderer.visible = legible
  }

  // Reads the record anew; the playhead stays where it was, at first at the scenario's context.
  load() {
    const {model} = this
    const find = (figure) => (name) => figure.renderers.find((r) => r.name === name).data_source
    const source = find(model.data.scene)
    this.source = source("pages")
    this.ghost = source("ghost")
    this.labels = source("ghost_labels")
    this.inside = new Inside(model, source)
    // Kept apart: every look at the model's own goes through two getters.
    const {when, page, pages, owner, state, totals, columns} = model
    this.record = {when, page, pages, owner, state, totals, columns}
    this.rows = totals.length / columns.length
    this.end = this.cell("when", this.rows - 1)
    this.pages = new Pages(this.blank(), model.layout, model.fill_order)
    this.fleet = model.layout.gpus > 1 ? new Fleet(model, find(model.data.fleet), this.pages.images) : null
    const first = this.now === undefined
    this.now = first ? model.start : Math.min(this.now, this.end)
    this.restart()
    this.inspect.close()
    this.draw(true)
    if (first) this.play(!matchMedia("(prefers-reduced-motion: reduce)").matches && model.autoplay)
    else this.tell()
  }

  // The rasters live in the browser alone: in-place changes of a source's data are never sent.
  blank() {
    const {rows, columns, gpus} = this.model.layout, {sites} = this.model.places, Image = this.model.state.constructor
    const count = sites.left.length
    const images = Array.from({length: gpus * count}, () => new Image(rows * columns, [rows, columns]))
    Object.assign(this.source.data, sites, {image: images.slice(0, count)})
    return images
  }

  cell(name, row) { return this.record.totals[this.record.columns.indexOf(name) * this.rows + row] }

  restart() { this.next = 0; this.row = -1; this.pages.scores = [0, 0]; this.pages.clear() }

  // The last row not after the playhead.
  rowAt(when) {
    let low = 0, high = this.rows - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.cell("when", middle) <= when) low = middle
      else high = middle - 1
    }
    return low
  }

  draw(force) {
    const row = this.rowAt(this.now)
    this.place()
    if (row !== this.row || force) this.turn(row)
    if (!this.spilled) this.inside.animate(this.numbers, this.end, this.time)
  }

  turn(row) {
    if (row < this.row) this.restart()
    this.row = row
    this.numbers = Object.fromEntries(this.record.columns.map((name) => [name, this.cell(name, row)]))
    this.apply(this.numbers)
    this.spill(this.fleet !== null && this.numbers.over > 0)
    if (this.spilled) this.fleet.show(this.numbers, this.pages)
    else this.show(this.numbers)
    this.inspect.draw()
    say("row", this.numbers)
  }

  palette() { return this.model.data.scene.renderers.find((r) => r.name === "pages").glyph.color_mapper.palette }

  // From one GPU to several: the camera pulls back, but not while Bokeh still measures the page.
  spill(on) {
    if (on && this.spilled === false && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
      const near = {transform: "scale(2) translate(25%, 20%)"}
      this.scene.querySelector(".fleet-layer").animate([near, {transform: "none"}], {duration: 600, easing: "ease-in-out"})
    }
    this.spilled = on
    this.scene.classList.toggle("spilled", on)
  }

  show(numbers) {
    this.source.change.emit()
    this.haunt(numbers)
    this.inside.show(numbers, this.end)
  }

  apply({when, held_pages, scores}) {
    const {record, pages} = this, taken = Math.ceil(scores / this.model.layout.page_bytes)
    while (this.next < record.when.length && record.when[this.next] <= when) {
      const i = this.next++
      pages.hold(record.page[i], record.pages[i], record.owner[i], record.state[i], record.when[i])
    }
    pages.score(held_pages, held_pages + taken)
  }

  // The scores that FlashAttention avoids, outlined on exactly the pages they would take.
  haunt({held_pages, avoided}) {
    const {layout} = this.model, box = this.source.data, sites = box.left.length
    const wanted = Math.ceil(avoided / layout.page_bytes)
    const limit = layout.gpu_pages, from = Math.min(held_pages, limit), to = Math.min(held_pages + wanted, limit)
    const past = Math.max(0, held_pages * layout.page_bytes + avoided - layout.capacity)
    const text = `${SPELL.gib1(avoided / sites)} GiB saved` + (past > 0 ? `\n${SPELL.gib1(past / sites)} more than fits` : "")
    const xs = [], ys = [], labels = {x: [], y: [], text: []}
    for (let site = 0; site < sites && to > from; site++) {
      const cellOf = (page) => Math.ceil(Math.max(0, page - site) / sites) / layout.pages_per_cell
      const [a, b] = [Math.round(cellOf(from)), Math.round(cellOf(to))]
      if (b <= a) continue
      const shape = region(a, b, layout, box.left[site], box.bottom[site], box.w[site], box.h[site])
      xs.push(shape.xs)
      ys.push(shape.ys)
      this.name(labels, shape, box, site, text)
    }
    put(this.ghost, {xs, ys})
    put(this.labels, labels)
  }

  name(labels, shape, box, site, text) {
    const high = Math.max(...shape.ys) - Math.min(...shape.ys)
    if (high < 26 * text.split("\n").length || box.w[site] < 150) return
    labels.x.push(box.left[site] + box.w[site] / 2)
    labels.y.push((Math.max(...shape.ys) + Math.min(...shape.ys)) / 2)
    labels.text.push(text)
  }

  step(time) {
    this.frame = requestAnimationFrame((next) => this.step(next))
    const seconds = Math.min(time - (this.last ?? time), 100) / 1000
    this.last = time
    this.time += seconds * this.speed
    this.now += (seconds * this.speed * this.end) / RUN_SECONDS
    if (this.now > this.end * (1 + REST_SECONDS / RUN_SECONDS)) this.now = 0
    this.draw(false)
  }

  play(on) {
    this.stop()
    this.playing = on
    this.last = undefined
    if (on) this.frame = requestAnimationFrame((time) => this.step(time))
    this.tell()
  }

  stop() { cancelAnimationFrame(this.frame) }

  seek(when) {
    this.now = Math.max(0, Math.min(when, this.end))
    this.draw(false)
    this.tell()
  }

  obey({play, toggle, speed, seek}) {
    if (seek !== undefined) this.seek(seek)
    if (speed !== undefined) { this.speed = speed; this.tell() }
    if (toggle) this.play(!this.playing)
    if (play !== undefined) this.play(play)
  }

  tell() {
    this.describe()
    this.scene.parentNode.classList.toggle("playing", this.playing)
    const {playing, speed, end, model: {revision}} = this
    say("state", {playing, speed, now: Math.min(this.now, end), end, revision})
  }

  describe() {
    const row = document.kvviz?.row
    if (!row) return
    this.scene.setAttribute("aria-label", spoken(row))
    const last = SPELL.gib(this.cell("total", this.rows - 1)), {capacity, gpu} = this.model.layout
    this.strip.querySelector(".plot").setAttribute("aria-label",
      `Memory over the run: ${SPELL.gib(this.cell("total", 0))} GiB at the start, ${last} GiB at ${SPELL.count(this.end)} tokens; ` +
      `one ${gpu} holds ${SPELL.gib(capacity)} GiB.`)
  }

  // The playhead is the page's own element, so that it glides between rows.
  place() {
    const {left, right} = this.model.margins, share = Math.min(1, this.now / this.end)
    this.handle.style.left = `calc(${left}px + ${share} * (100% - ${left + right}px))`
    const {style} = this.strip.querySelector(".veil"), plot = this.strip.querySelector(".plot")
    style.left = this.handle.style.left
    style.top = `${plot.offsetTop + this.model.margins.top}px`
    style.height = `${plot.offsetHeight - this.model.margins.top - this.model.margins.bottom}px`
    this.handle.setAttribute("aria-valuenow", Math.round(Math.min(this.now, this.end)))
    this.handle.setAttribute("aria-valuemax", this.end)
  }

  listen() {
    const plot = this.strip.querySelector(".plot")
    const seek = (event) => {
      const box = plot.getBoundingClientRect(), {left, right} = this.model.margins
      this.seek(((event.clientX - box.left - left) / (box.width - left - right)) * this.end)
    }
    this.strip.addEventListener("pointerdown", (event) => {
      this.strip.setPointerCapture(event.pointerId)
      seek(event)
    })
    this.strip.addEventListener("pointermove", (event) => { if (event.buttons) seek(event) })
    const keys = (event) => this.key(event)
    document.addEventListener("keydown", keys)
    this.model.on("remove", () => document.removeEventListener("keydown", keys))
  }

  key(event) {
    const target = event.composedPath()[0]
    if (["INPUT", "SELECT", "TEXTAREA"].includes(target.tagName)) return
    if (event.key === " " && target.tagName === "BUTTON") return // it presses the button
    const by = (event.shiftKey ? 512 : 64) * {ArrowLeft: -1, ArrowRight: 1}[event.key]
    if (event.key === " ") this.play(!this.playing)
    else if (event.key === "Escape") this.inspect.close()
    else if (event.key.toLowerCase() === "l") say("command", {theme: true})
    else if (by) this.seek(this.now + by)
    else return
    event.preventDefault()
  }
}

const spoken = (row) =>
  `GPU memory at ${SPELL.count(row.when)} tokens of context: ${SPELL.gib(row.weights)} GiB weights, ` +
  `${SPELL.gib(row.kv_allocated)} GiB KV cache, ${SPELL.gib(row.scores)} GiB attention scores, ` +
  (row.over > 0 ? `${SPELL.gib(row.over)} GiB more than it holds.` : `${SPELL.gib(row.free)} GiB free.`)
