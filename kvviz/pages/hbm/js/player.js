// Plays a run on the scene: applies changes to the rasters, moves the playhead, tells the cards.
const RUN_SECONDS = 20, REST_SECONDS = 1.5, OPENING_SECONDS = 1.1 // a page that opens still shows the tiles in mid-sweep
const PHONE = 780 // px: a narrower scene has a phone's layout, for its texts do not shrink with it
const STILL = matchMedia("(prefers-reduced-motion: reduce)")

class Player {
  constructor(model, scene, strip) {
    Object.assign(this, {model, scene, phone: scene.clientWidth < PHONE, speed: 1, time: OPENING_SECONDS, playing: false, frame: 0})
    this.inspect = new Inspect(this, scene)
    this.strip = new TimelineStrip(model, strip, (share) => this.seek(share * this.run.end))
    this.teller = new Teller()
    this.sceneTexts = new Texts(scene.querySelector(".scene-layer"))
    this.fleetTexts = new Texts(scene.querySelector(".fleet-layer"))
    hear(model, "command", (command) => this.obey(command))
    this.listen()
    this.resized = new ResizeObserver(() => this.fit())
    this.resized.observe(scene)
  }

  // Texts and strokes grow with the scene; on a phone the dies are laid out anew.
  fit() {
    const {clientWidth: width, clientHeight: height} = this.scene
    if (!this.run || !width) return
    const scale = Math.min(width / ACROSS, height / UP)
    this.phone = width < PHONE
    for (const texts of [this.sceneTexts, this.fleetTexts]) texts.scale(this.phone ? 1 : scale)
    for (const figure of this.figures()) grow(figure, scale)
    if (this.shape !== this.places[this.phone ? "phone" : "wide"]) this.lay()
    this.inspect.draw()
  }

  // Reads the record anew; the playhead stays where it was, at first at the scenario's context.
  load() {
    const {model} = this, first = this.now === undefined, from = this.numbers
    const find = (figure) => (name) => figure.renderers.find((each) => each.name === name).data_source
    this.source = find(model.data.scene)
    for (const figure of this.figures()) paintByFrame(figure)
    this.run = new Run(model)
    this.places = model.places
    this.layout = model.layout
    for (const [name, columns] of Object.entries(this.places.figure)) put(this.source(name), {...columns})
    this.ghost = new Ghost(this.source("ghost"), this.sceneTexts)
    this.inside = new Inside(this.source, this.sceneTexts, model.state.constructor)
    this.pages = new Pages(this.blank(), this.layout)
    this.fleet?.stop()
    this.fleet = this.layout.gpus > 1 && this.measured ? new Fleet(find(model.data.fleet), this.fleetTexts, model.fleet_places, this.layout, this.pages.images) : null
    this.now = first ? model.start : Math.min(this.now, this.run.end)
    this.restart()
    this.inspect.close()
    this.strip.label()
    this.lay()
    this.fit()
    if (first) this.play(!STILL.matches && model.autoplay)
    else this.tell()
    if (from && !STILL.matches) this.teller.count(from, () => this.numbers)
  }

  figures() { return [this.model.data.scene, this.model.data.fleet].filter(Boolean) }

  // Shows the present moment in the shape that the screen has room for.
  lay() {
    this.shape = this.places[this.phone ? "phone" : "wide"]
    this.inside.lay(this.places, this.shape, this.layout.which_gpu)
    this.sceneTexts.put("ghost", [])
    this.draw(true)
  }

  // The rasters live in the browser alone: in-place changes of a source's data are never sent.
  blank() {
    const {rows, columns, gpus} = this.layout, {sites} = this.places.figure, count = sites.left.length, Image = this.model.state.constructor
    const images = Array.from({length: gpus * count}, () => new Image(rows * columns, [rows, columns]))
    Object.assign(this.source("pages").data, sites, {image: images.slice(0, count)})
    return images
  }

  restart() { this.next = 0; this.row = -1; this.pages.clear() }

  draw(force) {
    const row = this.run.rowAt(this.now)
    this.strip.place(Math.min(1, this.now / this.run.end))
    if (row !== this.row || force) this.turn(row, force)
    if (!this.spilled) this.inside.animate(this.numbers, this.run.end, this.time)
  }

  turn(row, force) {
    if (row < this.row) this.restart()
    this.row = row
    this.numbers = this.run.numbers(row)
    this.apply(this.numbers)
    this.spill(this.fleet !== null && this.numbers.over > 0)
    if (this.spilled) this.fleet.show(this.numbers, this.pages)
    else this.show(this.numbers)
    this.inspect.draw()
    this.teller.row(this.numbers, force || !this.playing, () => this.write())
  }

  // What is read, not watched: texts of the scene, ten times a second.
  write() {
    this.inside.write(this.numbers, this.run.end)
    if (this.spilled) this.fleet.write(this.numbers, this.phone)
    this.strip.say(Math.min(this.now, this.run.end), this.run.end)
  }

  palette() { return this.model.data.scene.renderers.find((each) => each.name === "pages").glyph.color_mapper.palette }

  // From one GPU to several: the camera pulls back, but not while Bokeh still measures the page.
  spill(on) {
    if (on && this.spilled === false && !STILL.matches) {
      const near = {transform: "scale(2) translate(25%, 20%)"}
      this.scene.querySelector(".fleet-layer").animate([near, {transform: "none"}], {duration: PULL_MS, easing: "ease-in-out"})
      this.fleet.appear(() => { this.fleet.show(this.numbers, this.pages); this.fleet.write(this.numbers, this.phone) })
    }
    if (on === this.spilled) return
    this.spilled = on
    this.scene.classList.toggle("spilled", on)
  }

  show(numbers) {
    this.source("pages").change.emit()
    this.ghost.show(numbers, {sites: this.places.figure.sites, layout: this.layout, phone: this.phone})
    this.inside.show(numbers, this.run.end)
  }

  apply({when, held_pages, scores}) {
    const {run, pages} = this, taken = Math.ceil(scores / this.layout.page_bytes)
    while (this.next < run.when.length && run.when[this.next] <= when) {
      const i = this.next++
      pages.hold(run.page[i], run.pages[i], run.owner[i], run.state[i], run.when[i])
    }
    pages.score(held_pages, held_pages + taken)
    pages.settle()
  }

  step(time) {
    this.frame = requestAnimationFrame((next) => this.step(next))
    const seconds = Math.min(time - (this.last ?? time), 100) / 1000
    this.last = time
    this.time += seconds * this.speed
    this.now += (seconds * this.speed * this.run.end) / RUN_SECONDS
    if (this.now > this.run.end * (1 + REST_SECONDS / RUN_SECONDS)) this.now = 0
    this.draw(false)
  }

  play(on) {
    this.stop()
    this.playing = on
    this.last = undefined
    if (on) this.frame = requestAnimationFrame((time) => this.step(time))
    else this.teller.row(this.numbers, true, () => this.write())
    this.tell()
  }

  stop() { cancelAnimationFrame(this.frame) }

  seek(when) {
    this.now = Math.max(0, Math.min(when, this.run.end))
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
    const {playing, speed, run: {end}, model: {revision}} = this
    this.write()
    say("state", {playing, speed, now: Math.min(this.now, end), end, revision})
  }

  describe() {
    const {run, layout: {capacity, gpu}} = this
    this.scene.setAttribute("aria-label", spoken(this.numbers))
    this.strip.plot.setAttribute("aria-label",
      `Memory over the run: ${SPELL.gib(run.at("total", 0))} GiB at the start, ${SPELL.gib(run.at("total", run.rows - 1))} GiB ` +
      `at ${SPELL.count(run.end)} tokens; one ${gpu} holds ${SPELL.gib(capacity)} GiB.`)
  }

  listen() {
    const keys = (event) => this.key(event)
    document.addEventListener("keydown", keys)
    this.model.on("remove", () => {
      this.stop()
      this.resized.disconnect()
      document.removeEventListener("keydown", keys)
    })
  }

  key(event) {
    if (keyOfOthers(event, event.composedPath()[0])) return
    const by = (event.shiftKey ? 512 : 64) * {ArrowLeft: -1, ArrowRight: 1}[event.key]
    if (event.key === " ") event.repeat || this.play(!this.playing) // a held key is one press
    else if (event.key === "Escape") this.inspect.close()
    else if (event.key.toLowerCase() === "l") event.repeat || say("command", {theme: true})
    else if (by) this.seek(this.now + by)
    else return
    event.preventDefault()
  }
}

const spoken = (row) =>
  `GPU memory at ${SPELL.count(row.when)} tokens of context: ${SPELL.gib(row.weights)} GiB weights, ` +
  `${SPELL.gib(row.kv_allocated)} GiB KV cache, ${SPELL.gib(row.scores)} GiB attention scores, ` +
  (row.over > 0 ? `${SPELL.gib(row.over)} GiB more than it holds.` : `${SPELL.gib(row.free)} GiB free.`)
