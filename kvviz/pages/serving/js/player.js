// Plays two runs on one clock: applies changes to both pools, moves the playhead, tells the cards.
const RUN_SECONDS = 24, REST_SECONDS = 2 // a run takes so long at 1×, and then begins again
const TOLD_MS = 50 // numbers change so often at most while it plays: faster nobody reads them
const PARTS = {clock: ".clock b", now: ".requests .now", time: ".requests .now output", future: ".requests .veil", rest: ".over .veil",
  handle: ".over .handle", bracket: ".over .bracket", title: ".requests h2", step: ".requests .step"}
const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches

export function render({model}) {
  const stage = document.createElement("div")
  stage.className = "stage serving"
  stage.innerHTML = STAGE
  const player = new Player(model, stage)
  const mount = (name, selector) => stage.querySelector(selector).append(model.get_child(name))
  mount("gantt", ".requests .plot")
  mount("overview", ".over .plot")
  const reload = () => player.load()
  model.on("revision", reload)
  model.on("after_render", reload)
  model.on("palette", () => player.recolour())
  model.on("remove", () => player.stop())
  return stage
}

class Player {
  constructor(model, stage) {
    Object.assign(this, {model, stage, speed: 1, playing: false, frame: 0, shown: "a"})
    this.find = (selector) => stage.querySelector(selector)
    this.pools = Object.fromEntries(["a", "b"].map((name) =>
      [name, new Cells(this.find(`.pool[data-run="${name}"] .cells`), model.palette)]))
    this.parts = Object.fromEntries(Object.entries(PARTS).map(([name, selector]) => [name, this.find(selector)]))
    hear(model, "command", (command) => this.obey(command))
    this.buttons = new Buttons(this, stage)
    this.pointer = new Pointer(this, stage)
  }

  // Reads both runs anew; the playhead stays where it was, at first where the page opens.
  load() {
    const {model} = this, {a, b, grid, layout} = model, first = this.now === undefined
    this.runs = Object.fromEntries([["a", a], ["b", b]].map(([name, run]) =>
      [name, {data: run, blocks: new Blocks(run, grid, layout), lives: new Lives(run)}]))
    for (const [name, {blocks, lives}] of Object.entries(this.runs))
      this.pools[name].show(blocks, (owner, count) => this.plate(lives, owner, count))
    this.end = model.seconds
    this.now = first ? model.start : Math.min(this.now, this.end)
    this.chart?.stop()
    this.chart = new Chart(model, this.find, () => this.place())
    const {left, right} = layout.overview
    this.parts.bracket.style.width = `calc(${model.window / model.seconds} * (100% - ${left + right}px))`
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

  draw(force, time) {
    const {now} = this
    for (const [name, {blocks}] of Object.entries(this.runs)) {
      const moved = blocks.seek(now)
      if (moved || force) this.pools[name].paint()
      this.untold ||= moved
    }
    this.chart.move(now, this.playing && !force)
    this.place()
    if (force || time - this.toldAt > TOLD_MS) this.report(force, time)
  }

  // Says what holds now, to the numbers, the other cards and the followed request's.
  report(force, time) {
    this.toldAt = time ?? this.toldAt ?? 0
    this.titles()
    if (force || this.untold) this.say(this.holds())
    this.untold = false
    this.card(force)
  }

  // All numbers that hold at the playhead.
  holds() {
    const {now} = this, row = {when: now}
    for (const [name, {blocks, lives}] of Object.entries(this.runs)) {
      const {counts} = blocks, values = {...lives.row(now), free: counts[0], cached: counts[4], shared: counts[5]}
      values.held = counts[3] + counts[5]
      values.unused = counts[2]
      for (const [key, value] of Object.entries(values)) row[`${name}_${key}`] = value
    }
    return row
  }

  recolour() { for (const pool of Object.values(this.pools)) pool.recolour(this.model.palette) }

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
    say("request", {...this.about, now, tokens, says: lives.says(request, now), count: blocks.count, runs: blocks.runs})
  }

  step(time) {
    this.frame = requestAnimationFrame((next) => this.step(next))
    const seconds = Math.min(time - (this.last ?? time), 100) / 1000
    this.last = time
    this.now += (seconds * this.speed * this.end) / RUN_SECONDS
    if (this.now > this.end * (1 + REST_SECONDS / RUN_SECONDS)) this.now = 0
    this.draw(false, time)
  }

  play(on) {
    this.stop()
    if (this.playing && !on) { this.untold = true; this.report(false) }
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
    const {handle} = this.parts
    handle.setAttribute("aria-valuenow", now.toFixed(2))
    handle.setAttribute("aria-valuemax", end.toFixed(2))
    handle.setAttribute("aria-valuetext", `${now.toFixed(2)} s`)
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
    this.find(".requests .window").setAttribute("aria-label",
      `Requests ${from} to ${to} under ${shown.toUpperCase()} at ${at}; request ${this.followed} is followed: ${lives.says(this.followed, this.now)}.`)
    this.find(".over .plot").setAttribute("aria-label",
      `Blocks in use under ${shown.toUpperCase()} and both queues over ${end.toFixed(1)} seconds; the playhead is at ${at}.`)
  }

  // Playhead, veils and bracket are the page's own elements, so that they glide.
  place() {
    const {parts, chart} = this, {seconds} = this.model, now = Math.min(this.now, this.end), text = now.toFixed(2)
    const share = chart.share(now), over = now / seconds, at = (x) => `translateX(${x}px)`
    chart.still(parts.now, at(chart.across(share)))
    chart.still(parts.future, `scaleX(${1 - share})`)
    chart.still(parts.rest, `scaleX(${1 - over})`)
    chart.still(parts.handle, at(chart.along(over)))
    chart.still(parts.bracket, at(chart.along(chart.start / seconds)))
    if (parts.clock.textContent === text) return
    parts.clock.textContent = text
    parts.time.textContent = `${text} s`
  }

  titles() {
    const [from, to] = this.chart.seen(), {steps} = this.runs[this.shown].lives
    const title = `${from === to ? `Request ${from}` : `Requests ${from} to ${to}`} under ${this.shown.toUpperCase()}`
    const step = `step ${SPELL.count(upTo(steps, this.now))} of ${SPELL.count(steps.length)}`
    for (const [element, text] of [[this.parts.title, title], [this.parts.step, step]])
      if (element.textContent !== text) element.textContent = text
  }

  choose(request) { this.follow(request); this.tell() }
}
