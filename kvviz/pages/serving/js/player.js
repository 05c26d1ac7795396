// Plays two runs on one clock: applies changes to both pools, moves the playhead, tells the cards.
import {upTo} from "../../kit/js/ascending.js"
import {Playback} from "../../kit/js/clock.js"
import {every, find} from "../../kit/js/element.js"
import {hear, say} from "../../kit/js/events.js"
import {fill} from "../../kit/js/live.js"
import {still} from "../../kit/js/motion.js"
import {SPELL} from "../../kit/js/numbers.js"
import {Blocks} from "./blocks.js"
import {listen} from "./buttons.js"
import {Cells} from "./cells.js"
import {Chart} from "./chart.js"
import {describe} from "./describe.js"
import {Lives} from "./lives.js"
import {Pointer} from "./pointer.js"
/** @import {Command, Model, Row} from "../../kit/js/browser.d.ts" */
/** @import * as Sent from "./payloads.d.ts" */
/** @import {About, Name} from "./told.d.ts" */
const RUN = {seconds: 24, rest: 2, again: true}
const TOLD_MS = 50 // numbers change so often at most while it plays: faster nobody reads them
const NAMES = /** @type {Name[]} */ (["a", "b"])

/** What is played of a run. @typedef {{data: Sent.Run, blocks: Blocks, lives: Lives}} Played */

/** @type {(run: Sent.Run, model: Sent.ServingPlayer) => Played} */
const played = (data, {grid, layout}) => ({data, blocks: new Blocks(data, grid, layout), lives: new Lives(data)})

export class Player {
  /** @type {{a: Played, b: Played}} */
  runs

  /** @type {Chart} */
  chart

  /** What is told of the followed request at any time. @type {About} */
  about

  /** @param {Model<Sent.ServingPlayer>} model @param {HTMLElement} stage */
  constructor(model, stage) {
    this.model = model
    this.stage = stage
    this.clock = new Playback(this, RUN)
    /** The run whose requests are shown. @type {Name} */
    this.shown = "a"
    this.followed = 0
    this.revision = 0
    this.untold = false // whether blocks have moved since the numbers were told
    this.toldAt = 0
    /** @type {Row} */
    this.row = {}
    this.pools = {a: this.cells("a"), b: this.cells("b")}
    this.parts = {
      clock: this.find(".clock b"), now: this.find(".requests .now"), time: this.find(".requests .now output"),
      future: this.find(".requests .veil"), rest: this.find(".over .veil"), handle: this.find(".over .handle"),
      bracket: this.find(".over .bracket"), title: this.find(".requests h2"), step: this.find(".requests .step"),
    }
    hear(model, "command", (command) => this.obey(command))
    listen(this, stage)
    this.pointer = new Pointer(this, stage)
  }

  /** @type {(selector: string) => HTMLElement} */
  find(selector) { return find(this.stage, selector) }

  /** @type {(run: Name) => Cells} */
  cells(run) { return new Cells(this.find(`.pool[data-run="${run}"] .cells`), this.model.palette) }

  /** Reads both runs anew; the playhead stays where it was, at first where the page opens. */
  load() {
    const {model, clock} = this, {layout, seconds, window} = model, first = !this.runs, {left, right} = layout.overview
    this.runs = {a: played(model.a, model), b: played(model.b, model)}
    for (const name of NAMES) {
      const {blocks, lives} = this.runs[name]
      this.pools[name].show(blocks, (owner, count) => this.plate(lives, owner, count))
    }
    clock.end = seconds
    clock.now = first ? model.start : clock.at
    this.chart?.stop()
    this.chart = new Chart(model, (selector) => this.find(selector), () => this.place())
    this.parts.bracket.style.width = `calc(${window / seconds} * (100% - ${left + right}px))`
    this.words()
    this.chart.queues(model.a.queue, model.b.queue)
    if (first || model.revision !== this.revision) this.followed = model.follow
    this.revision = model.revision
    this.show(this.shown)
    this.follow(this.followed)
    if (first) clock.play(!still() && model.autoplay)
    else this.tell()
  }

  words() {
    const {headline, titles, legends, layout} = this.model
    this.find(".says").innerHTML = headline
    NAMES.forEach((run, i) => {
      const pool = this.find(`.pool[data-run="${run}"]`)
      find(pool, ".title").innerHTML = titles[i]
      find(pool, ".legend").innerHTML = legends[i]
      find(pool, ".counts small").textContent = `of ${SPELL.count(layout.requests)}`
    })
  }

  /** Which run the requests and the overview are of. @type {(name: Name) => void} */
  show(name) {
    this.shown = name
    const {lives, data} = this.runs[name]
    this.chart.show(lives, data.areas)
    for (const button of every(this.stage, ".which button"))
      button.setAttribute("aria-pressed", String(button.dataset.run === name))
    this.find(".over h2").innerHTML = `Block pool over the run, ${name.toUpperCase()}`
    this.draw(true)
  }

  /** @type {(request: number) => void} */
  follow(request) {
    this.followed = Math.max(0, Math.min(request, this.model.layout.requests - 1))
    for (const {blocks} of Object.values(this.runs)) blocks.follow(this.followed)
    this.chart.follow(this.followed)
    this.draw(true)
  }

  /** @type {(request: number) => void} */
  choose(request) { this.follow(request); this.tell() }

  /** @type {(command: Command) => void} */
  obey(command) {
    this.clock.obey(command)
    if (command.follow !== undefined) this.follow(command.follow)
  }

  /** @type {(time: number) => void} */
  moved(time) { this.draw(false, time) }

  placed() { this.draw(true) }

  /** @type {(before: boolean) => void} */
  paused(before) {
    if (!before) return
    this.untold = true
    this.report(false)
  }

  /** @type {(force: boolean, time?: number) => void} */
  draw(force, time = this.toldAt) {
    const {now, playing} = this.clock
    for (const name of NAMES) {
      const moved = this.runs[name].blocks.seek(now)
      if (moved || force) this.pools[name].paint()
      this.untold ||= moved
    }
    this.chart.move(now, playing && !force)
    this.place()
    if (force || time - this.toldAt > TOLD_MS) this.report(force, time)
  }

  /** Says what holds now, to the numbers, the other cards and the followed request's.
   * @type {(force: boolean, time?: number) => void} */
  report(force, time = this.toldAt) {
    this.toldAt = time
    this.titles()
    if (force || this.untold) this.say(this.holds())
    this.untold = false
    this.card(force)
  }

  /** All numbers that hold at the playhead. */
  holds() {
    const {now} = this.clock
    /** @type {Row} */
    const row = {when: now}
    for (const name of NAMES) {
      const {blocks: {counts}, lives} = this.runs[name], held = counts[3] + counts[5]
      const values = {...lives.row(now), free: counts[0], cached: counts[4], shared: counts[5], held, unused: counts[2]}
      for (const [key, value] of Object.entries(values)) row[`${name}_${key}`] = value
    }
    return row
  }

  recolour() { for (const pool of Object.values(this.pools)) pool.recolour(this.model.palette) }

  /** A region's request and how full it is.
   * @type {(lives: Lives, request: number, blocks: number) => string} */
  plate(lives, request, blocks) {
    const {block_size, longest} = this.model.layout, room = Math.min(blocks * block_size, longest), {now} = this.clock
    const tokens = lives.tokensAt(request, now), row = lives.rowAt(request, now)
    if (row === undefined) return `#${request}: finished`
    if (tokens === undefined) return `#${request}: prefill`
    return `#${request}: ${SPELL.count(tokens)} of ${SPELL.count(room)} tokens`
  }

  /** @type {(row: Row) => void} */
  say(row) {
    this.row = row
    for (const part of every(this.stage, ".live")) fill(part, row)
    say("row", row)
  }

  /** What the card of the followed request shows. @type {(force: boolean) => void} */
  card(force) {
    const {followed: request, clock: {now}, shown, about} = this, {lives, blocks} = this.runs[shown]
    const key = `${request} ${shown} ${this.revision}`
    if (force || key !== about.key) this.about = this.aboutRequest(key)
    const tokens = lives.tokensAt(request, now)
    say("request", {...this.about, now, tokens, says: lives.says(request, now), count: blocks.count, runs: blocks.runs})
  }

  /** @type {(key: string) => About} */
  aboutRequest(key) {
    const {followed: request, shown: run, model: {layout: {block_size: block, paged}}} = this, {lives} = this.runs[run]
    const {prompt, output, ttft_s, tpot_s, preemptions, queued_s, end_s} = lives.requests
    return {
      key, request, run, block, phases: lives.phasesOf(request), curve: lives.curve(request),
      prompt: prompt[request], output: output[request], ttft: ttft_s[request], tpot: tpot_s[request],
      preemptions: preemptions[request], start: queued_s[request], end: end_s[request], paged: paged[run === "a" ? 0 : 1],
    }
  }

  tell() {
    const {clock: {playing, speed, end, at: now}, revision, followed, shown, parts: {handle}} = this
    handle.setAttribute("aria-valuenow", now.toFixed(2))
    handle.setAttribute("aria-valuemax", end.toFixed(2))
    handle.setAttribute("aria-valuetext", `${now.toFixed(2)} s`)
    describe(this)
    say("place", {at: now.toFixed(2), follow: followed})
    say("state", {playing, speed, now, end, revision, followed, shown})
  }

  /** Playhead, veils and bracket are the page's own elements, so that they glide. */
  place() {
    const {parts, chart, clock: {at: now}} = this, {seconds} = this.model, text = now.toFixed(2)
    const share = chart.share(now), over = now / seconds, across = (/** @type {number} */ x) => `translateX(${x}px)`
    chart.still(parts.now, across(chart.across(share)))
    chart.still(parts.future, `scaleX(${1 - share})`)
    chart.still(parts.rest, `scaleX(${1 - over})`)
    chart.still(parts.handle, across(chart.along(over)))
    chart.still(parts.bracket, across(chart.along(chart.start / seconds)))
    if (parts.clock.textContent === text) return
    parts.clock.textContent = text
    parts.time.textContent = `${text} s`
  }

  titles() {
    const [from, to] = this.chart.seen(), {steps} = this.runs[this.shown].lives
    const title = `${from === to ? `Request ${from}` : `Requests ${from} to ${to}`} under ${this.shown.toUpperCase()}`
    const step = `step ${SPELL.count(upTo(steps, this.clock.now))} of ${SPELL.count(steps.length)}`
    if (this.parts.title.textContent !== title) this.parts.title.textContent = title
    if (this.parts.step.textContent !== step) this.parts.step.textContent = step
  }
}
