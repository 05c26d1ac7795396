// The card of the followed request: its life, its tokens in the cache and its blocks.
import {every, find} from "../../kit/js/element.js"
import {hear} from "../../kit/js/events.js"
import {SPELL} from "../../kit/js/numbers.js"
/** @import {Rendered} from "../../kit/js/browser.d.ts" */
/** @import {RequestCard} from "./payloads.d.ts" */
/** @import {About, Followed} from "./told.d.ts" */

const WIDE = 264, HIGH = 54, MOST_CELLS = 90

/** @type {(given: Rendered<RequestCard>) => HTMLElement} */
export function render({model}) {
  const card = document.createElement("div")
  card.className = "card request"
  let key = ""
  hear(model, "request", (told) => {
    if (told.key !== key) draw(card, told)
    key = told.key
    move(card, told)
  })
  return card
}

/** Where a time lies over a request's life. @type {(about: About, time: number) => number} */
const x = ({start, end}, time) => (WIDE * (time - start)) / Math.max(end - start, 1e-9)

/** @type {(card: HTMLElement, about: About) => void} */
function draw(card, told) {
  const {request, run, preemptions, phases, curve, start, end, prompt, output, ttft, tpot} = told
  const most = Math.max(1, ...curve.map(([, tokens]) => tokens)), low = HIGH - 2
  const points = curve.map(([time, tokens]) => `${x(told, time).toFixed(1)},${(low - (tokens / most) * (low - 4)).toFixed(1)}`)
  const colour = `var(--seq${request % 8})`
  const tag = preemptions ? `<em class="tag">${preemptions} preemption${preemptions === 1 ? "" : "s"}</em>` : `<small>under ${run.toUpperCase()}</small>`
  card.innerHTML = `<header><h1><i class="chip" style="background:${colour}"></i>Request ${request}</h1>${tag}</header>
    <div class="life" style="--colour:${colour}"><svg viewBox="0 0 ${WIDE} 18" preserveAspectRatio="none" height="18" role="img" aria-label="${life(phases)}">
      ${phases.map((phase) => bar(told, phase)).join("")}</svg><i class="mark"></i></div>
    <p class="ends"><small>${start.toFixed(2)}</small><b></b><small>${end.toFixed(2)} s</small></p>
    <p class="what"><small>tokens in the cache</small></p>
    <div class="life"><svg viewBox="0 0 ${WIDE} ${HIGH}" preserveAspectRatio="none" height="${HIGH}" aria-hidden="true">
      <path d="M0,${low} L${points.join(" ")} L${WIDE},${low}Z" fill="${colour}" fill-opacity=".22"/>
      <polyline points="${points.join(" ")}" fill="none" stroke="${colour}" stroke-width="1.8" vector-effect="non-scaling-stroke"/></svg><i class="mark"></i></div>
    <p class="says"><small></small></p>
    <div class="rows"><div class="row"><span>Prompt, output</span><span><b>${SPELL.count(prompt)}</b> + <b>${SPELL.count(output)}</b> tokens</span></div>
      <div class="row" title="simulated; step time from a roofline"><span>Time to first token</span><b>${SPELL.seconds(ttft)}</b></div>
      <div class="row" title="simulated; step time from a roofline"><span>Time per output token</span><b>${SPELL.seconds(tpot)}</b></div>
      <div class="row" title="simulated; a shared block counts for one of its requests"><span>Blocks now</span><span class="count"></span></div></div>
    <div class="strip" aria-hidden="true" style="--colour:${colour}"></div>`
}

/** @type {(phases: About["phases"]) => string} */
const life = (phases) => "Timeline: " + phases.map(({phase, start, end}) => `${phase} ${SPELL.seconds(end - start)}`).join(", ") + "."

/** @type {(about: About, phase: About["phases"][number]) => string} */
function bar(told, {phase, start, end}) {
  const left = x(told, start), width = Math.max(x(told, end) - left, 0.6)
  if (phase === "waiting") return `<path d="M${left},9h${width}" stroke="var(--text3)" stroke-width="1.5" vector-effect="non-scaling-stroke"/>`
  const look = {prefill: 'fill="var(--text1)"', decode: 'fill="var(--colour)"', preempted: 'fill="url(#hatch)" class="hatched"'}[phase]
  const inset = phase === "prefill" ? 0 : 2
  return `<rect x="${left}" y="${inset}" width="${width}" height="${18 - 2 * inset}" ${look}/>`
}

/** @type {(card: HTMLElement, told: Followed) => void} */
function move(card, told) {
  const {now, tokens, says, count, runs, start, end, block, paged} = told
  const share = Math.max(0, Math.min(1, (now - start) / Math.max(end - start, 1e-9)))
  for (const mark of every(card, ".mark")) {
    mark.style.left = `${100 * share}%`
    mark.hidden = now < start || now > end
  }
  /** @type {(selector: string, text: string) => void} */
  const write = (selector, text) => {
    const element = find(card, selector)
    if (element.innerHTML !== text) element.innerHTML = text
  }
  write(".ends b", now < start || now > end ? "" : `${now.toFixed(2)}`)
  write(".says small", says)
  write(".count", count ? `<b>${SPELL.count(count)}</b> in ${SPELL.count(runs)} fragment${runs === 1 ? "" : "s"}` : "<b>0</b>")
  cells(find(card, ".strip"), count, tokens === undefined || !tokens ? 1 : paged ? (tokens - 1) % block / block + 1 / block : 1)
}

/** One small square a block, as many as fit; the last one is filled by its share of tokens.
 * @type {(strip: HTMLElement, count: number, last: number) => void} */
function cells(strip, count, last) {
  const shown = Math.min(count, MOST_CELLS)
  if (strip.childElementCount !== shown) strip.innerHTML = "<i></i>".repeat(shown)
  for (const cell of strip.querySelectorAll("[style]")) cell.removeAttribute("style")
  const {lastElementChild: cell} = strip
  if (shown === count && cell instanceof HTMLElement) cell.style.setProperty("--filled", String(last))
}
