// Plays two runs on one clock: applies changes to both pools, moves the playhead, tells the cards.
const RUN_SECONDS = 24, REST_SECONDS = 2 // a run takes so long at 1×, and then begins again
const same = (data, columns) => Object.entries(columns).every(([name, values]) =>
  values.length === data[name].length && values.every((value, i) => value === data[name][i]))
const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches

export function render({model}) {
  const stage = document.createElement("div")
  stage.className = "stage serving"
  stage.innerHTML = STAGE
  const player = new Player(model, stage)
  const mount = (name, selector) => stage.querySelector(selector).append(model.get_child(name))
  mount("pool_a", '[data-run="a"] .cells')
  mount("pool_b", '[data-run="b"] .cells')
  mount("gantt", ".requests .plot")
  mount("overview", ".over .plot")
  const reload = () => player.load()
  model.on("revision", reload)
  model.on("after_render", reload)
  model.on("remove", () => player.stop())
  return stage
}

class Player {
  constructor(model, stage) {
    Object.assign(this, {model, stage, speed: 1, playing: false, frame: 0, shown: "a"})
    this.find = (selector) => stage.querySelector(selector)
    hear(model, "command", (command) => this.obey(command))
    this.listen()
    this.pointer = new Pointer(this, stage)
  }

  // Reads both runs anew; the playhead stays where it was, at first where the page opens.
  load() {
    const {model} = this, {a, b, grid, layout} = model, first = this.now === undefined
    const Image = a.changes.state.constructor // Bokeh's own array with a shape
    this.runs = Object.fromEntries([["a", a], ["b", b]].map(([name, run]) =>
      [name, {data: run, blocks: new Blocks(run, grid, layout, Image), lives: new Lives(run)}]))
    for (const [name, {blocks}] of Object.entries(this.runs))
      Object.assign(sources(model.data[`pool_${name}`]).cells.data, {image: [blocks.image]})
    this.end = model.seconds
    this.now = first ? model.start : Math.min(this.now, this.end)
    this.chart = new Chart(model)
    this.words()
    this.chart.queues(a.queue, b.queue)
    if (first || model.revision !== this.revision) this.followed = model.follow
    this.revision = model.revision
    this.show(this.shown)
    this.follow(this.followed)
    if (first) this.play(!still() && model.autoplay)
    else this.tell()
  }

  words() {
    const {model} = this
    this.find(".says").innerHTML = model.headline
    ;["a", "b"].forEach((run, i) => {
      const pool = this.find(`.pool[data-run="${run}"]`)
      pool.querySelector(".title").innerHTML = model.titles[i]
      pool.querySelector(".legend").innerHTML = model.legends[i]
      pool.querySelector(".counts small").textContent = `of ${SPELL.count(model.layout.requests)}`
    })
  }

  // Which run the requests and the overview are of.
  show(name) {
    this.shown = name
    const {lives, data} = this.runs[name]
    this.chart.show(lives, data.areas)
    for (const button of this.stage.querySelectorAll(".which button"))
      button.setAttribute("aria-pressed", button.dataset.run === name)
    this.find(".over h2").innerHTML = `Block pool over the run, ${name.toUpperCase()}`
    this.draw(true)
  }

  follow(request) {
    this.followed = Math.max(0, Math.min(request, this.model.layout.requests - 1))
    for (const {blocks} of Object.values(this.runs)) blocks.follow(this.followed)
    this.chart.follow(this.followed)
    this.draw(true)
  }

  draw(force) {
    const {now} = this, row = {when: now}
    let changed = force
    for (const [name, {blocks, lives}] of Object.entries(this.runs)) {
      const moved = blocks.seek(now)
      if (moved || force) this.paint(name)
      changed ||= moved
      const {counts} = blocks, values = {...lives.row(now), free: counts[0], cached: counts[4], shared: counts[5]}
      values.held = counts[3] + counts[5]
      values.unused = counts[2]
      for (const [key, value] of Object.entries(values)) row[`${name}_${key}`] = value
    }
    this.chart.move(now, this.playing && !force)
    this.place()
    if (changed) this.say(row)
    this.card(force)
  }

  paint(name) {
    const {blocks, lives} = this.runs[name], into = sources(this.model.data[`pool_${name}`])
    const over = {...blocks.marks(), ...blocks.outlines((owner, count) => this.plate(lives, owner, count))}
    for (const [mark, columns] of Object.entries(over)) if (!same(into[mark].data, columns)) put(into[mark], columns)
    into.cells.change.emit()
  }

  // A region's request and how full it is.
  plate(lives, request, blocks) {
    const {block_size, longest} = this.model.layout, room = Math.min(blocks * block_size, longest)
    const tokens = lives.tokensAt(request, this.now), row = lives.rowAt(request, this.now)
    if (row === undefined) return `#${request}: finished`
    if (tokens === undefined) return `#${request}: prefill`
    return `#${request}: ${SPELL.count(tokens)} of ${SPELL.count(room)} tokens`
  }

  say(row) {
    this.row = row
    for (const part of this.stage.querySelectorAll(".live")) fill(part, row)
    say("row", row)
  }

  // What the card of the followed request shows.
  card(force) {
    const {followed: request, now, shown, model: {layout}} = this, {lives, blocks} = this.runs[shown]
    const fixed = `${request} ${shown} ${this.revision}`
    if (force || fixed !== this.fixed) {
      this.fixed = fixed
      const rows = lives.requests, of = (name) => rows[name][request]
      this.about = {
        key: fixed, request, run: shown, phases: lives.phasesOf(request), curve: lives.curve(request),
        prompt: of("prompt"), output: of("output"), ttft: of("ttft_s"), tpot: of("tpot_s"), preemptions: of("preemptions"),
        start: of("queued_s"), end: of("end_s"), block: layout.block_size, paged: layout.paged[shown === "a" ? 0 : 1],
      }
    }
    const tokens = lives.tokensAt(request, now)
    say("request", {...this.about, now, tokens, says: lives.says(request, now), ...blocks.heldBy(request)})
  }

  step(time) {
    this.frame = requestAnimationFrame((next) => this.step(next))
    const seconds = Math.min(time - (this.last ?? time), 100) / 1000
    this.last = time
    this.now += (seconds * this.speed * this.end) / RUN_SECONDS
    if (this.now > this.end * (1 + REST_SECONDS / RUN_SECONDS)) this.now = 0
    this.draw(false)
  }

  play(on) {
    this.stop()
    this.playing = on
    this.last = undefined
    if (on && this.now >= this.end) this.now = 0
    if (on) this.frame = requestAnimationFrame((time) => this.step(time))
    this.tell()
  }

  stop() { cancelAnimationFrame(this.frame) }

  seek(now) {
    this.now = Math.max(0, Math.min(now, this.end))
    this.draw(true)
    this.tell()
  }

  obey({play, toggle, speed, seek, follow}) {
    if (seek !== undefined) this.seek(seek)
    if (follow !== undefined) this.follow(follow)
    if (speed !== undefined) { this.speed = speed; this.tell() }
    if (toggle) this.play(!this.playing)
    if (play !== undefined) this.play(play)
  }

  tell() {
    const {playing, speed, end, revision, followed} = this, now = Math.min(this.now, end)
    this.find(".play").innerHTML = (playing ? ICONS.pause : ICONS.play) + (playing ? "Pause" : "Play")
    for (const button of this.stage.querySelectorAll("[data-speed]"))
      button.setAttribute("aria-pressed", Number(button.dataset.speed) === speed)
    this.describe()
    say("place", {at: now.toFixed(2), follow: followed})
    say("state", {playing, speed, now, end, revision, followed, shown: this.shown})
  }

  describe() {
    const {row, model, shown, end} = this, at = `${Math.min(this.now, end).toFixed(2)} seconds`
    for (const [i, run] of ["a", "b"].entries()) {
      const told = `${SPELL.count(row[`${run}_running`])} requests run, ${SPELL.count(row[`${run}_waiting`])} wait and ${SPELL.count(row[`${run}_ended`])} have finished`
      this.find(`.pool[data-run="${run}"] .cells`).setAttribute("aria-label",
        `Policy ${run.toUpperCase()}, ${model.layout.policies[i]}, at ${at}: ${told}; ${SPELL.count(row[`${run}_held`])} of ${SPELL.count(model.grid.blocks)} blocks in use.`)
    }
    const [from, to] = this.chart.seen(), lives = this.runs[shown].lives
    this.find(".requests .plot").setAttribute("aria-label",
      `Requests ${from} to ${to} under ${shown.toUpperCase()} at ${at}; request ${this.followed} is followed: ${lives.says(this.followed, this.now)}.`)
    this.find(".over .plot").setAttribute("aria-label",
      `Blocks in use under ${shown.toUpperCase()} and both queues over ${end.toFixed(1)} seconds; the playhead is at ${at}.`)
  }

  // Playhead, veils and bracket are the page's own elements, so that they glide.
  place() {
    const {layout, window, seconds} = this.model, now = Math.min(this.now, this.end), text = `${now.toFixed(2)} s`
    const at = ({left, right}, share) => `calc(${left}px + ${share} * (100% - ${left + right}px))`
    const requests = at(layout.gantt, this.chart.share(now)), over = at(layout.overview, now / seconds)
    this.find(".requests .now").style.left = this.find(".requests .veil").style.left = requests
    this.find(".requests .now output").textContent = text
    this.find(".over .veil").style.left = over
    const handle = this.find(".handle"), bracket = this.find(".bracket")
    handle.style.left = over
    handle.setAttribute("aria-valuenow", now.toFixed(2))
    handle.setAttribute("aria-valuemax", seconds.toFixed(2))
    handle.setAttribute("aria-valuetext", text)
    bracket.style.left = at(layout.overview, this.chart.start / seconds)
    bracket.style.width = `calc(${window / seconds} * (100% - ${layout.overview.left + layout.overview.right}px))`
    this.find(".clock").innerHTML = `<b>${now.toFixed(2)}</b> s`
    this.titles()
  }

  titles() {
    const [from, to] = this.chart.seen(), {steps} = this.runs[this.shown].lives
    const title = `Requests ${from} to ${to} under ${this.shown.toUpperCase()}`
    const step = `step ${SPELL.count(upTo(steps, this.now))} of ${SPELL.count(steps.length)}`
    for (const [selector, text] of [[".requests h2", title], [".requests .step", step]]) {
      const element = this.find(selector)
      if (element.textContent !== text) element.textContent = text
    }
  }

  listen() {
    this.find(".play").onclick = () => this.play(!this.playing)
    for (const button of this.stage.querySelectorAll("[data-speed]"))
      button.onclick = () => this.obey({speed: Number(button.dataset.speed)})
    for (const button of this.stage.querySelectorAll(".which button"))
      button.onclick = () => { this.show(button.dataset.run); this.tell() }
    const over = this.find(".over .frame"), seek = (event) => {
      const box = over.getBoundingClientRect(), {left, right} = this.model.layout.overview
      this.seek(((event.clientX - box.left - left) / (box.width - left - right)) * this.end)
    }
    over.addEventListener("pointerdown", (event) => { over.setPointerCapture(event.pointerId); seek(event) })
    over.addEventListener("pointermove", (event) => { if (event.buttons) seek(event) })
    const keys = (event) => this.key(event)
    document.addEventListener("keydown", keys)
    this.model.on("remove", () => document.removeEventListener("keydown", keys))
  }

  key(event) {
    const target = event.composedPath()[0]
    if (["INPUT", "SELECT", "TEXTAREA"].includes(target.tagName)) return
    if (event.key === " " && target.tagName === "BUTTON") return // it presses the button
    const by = (this.end / (event.shiftKey ? 20 : 200)) * {ArrowLeft: -1, ArrowRight: 1}[event.key]
    const next = {ArrowUp: -1, ArrowDown: 1}[event.key]
    if (event.key === " ") this.play(!this.playing)
    else if (event.key.toLowerCase() === "l") say("command", {theme: true})
    else if (next && target.classList.contains("handle")) this.choose(this.followed + next)
    else if (by) this.seek(this.now + by)
    else return
    event.preventDefault()
  }

  choose(request) { this.follow(request); this.tell() }
}
