// What is said over several GPUs: at each package, and along the bar of one address space.
import {SPELL} from "../../kit/js/numbers.js"
/** @import {Row} from "../../kit/js/browser.d.ts" */
/** @import {Fleet} from "./fleet.js" */
/** @import {Align, Boxes} from "./payloads.d.ts" */
/** @import {Said} from "./texts.js" */
const ROOMY = 250 // px of a package that has room for a sentence
const AMOUNT = 290 // scene units of a package with room for an amount beside its number, on a phone
const END_LABEL = 190 // scene units that the label of the first GPU's end takes

/** @type {(fleet: Fleet, row: Row, phone: boolean) => Said[]} */
export const packages = (fleet, row, phone) =>
  Array.from({length: fleet.revealed}, (_, gpu) => (phone ? smallPackage : onePackage)(fleet, row, gpu)).flat()

/** A package's name, and what it holds of the run.
 * @type {(fleet: Fleet, held: number, gpu: number, roomy: boolean) => [string, string]} */
function named({layout: {capacity, which_gpu}}, held, gpu, roomy) {
  if (gpu === 0) return [which_gpu || "GPU 0, the one you have", `${SPELL.gib(capacity)} GiB`]
  if (held > 0) return [`GPU ${gpu}, missing`, `+${SPELL.gib(held)} GiB`]
  return [`GPU ${gpu}, not needed yet`, roomy ? "" : "not yet"]
}

/** @type {(gpu: number, held: number) => string} */
const roleOf = (gpu, held) => (gpu === 0 ? "text1" : held > 0 ? "red-text" : "text3")

/** @type {(held: number, capacity: number) => string} */
const fullness = (held, capacity) => (held === capacity ? "full" : held ? SPELL.percent0(held / capacity) : "empty")

/** The middle of boxes. @type {(boxes: Boxes) => {x: number, y: number}} */
function middle({left, bottom, w, h}) {
  /** @type {(low: number[], size: number[]) => number} */
  const between = (low, size) => (Math.min(...low) + Math.max(...low.map((at, i) => at + size[i]))) / 2
  return {x: between(left, w), y: between(bottom, h)}
}

/** @type {(fleet: Fleet, row: Row, gpu: number) => Said[]} */
function onePackage(fleet, row, gpu) {
  const {places: {frames, dies}, layout: {capacity, capacity_kind: how}} = fleet, held = fleet.held(row, gpu)
  const [left, y, wide] = [frames.left[gpu], frames.bottom[gpu] + frames.h[gpu] + 9, frames.w[gpu]]
  const roomy = wide > ROOMY, size = roomy ? 15 : 13, [name, amount] = named(fleet, held, gpu, roomy)
  const role = roleOf(gpu, held), at = middle(dies[gpu])
  return [
    {x: left + 2, y, text: roomy ? name : `GPU ${gpu}`, size, bold: true, role},
    {x: left + wide - 2, y, text: amount, size, bold: held > 0 && gpu > 0, align: "right", role, how},
    {x: at.x, y: at.y + 26, text: wide > 200 ? "GPU" : "", align: "center", role: "text3"},
    {x: at.x, y: at.y - 6, text: String(gpu), size: roomy ? 30 : 20, bold: true, align: "center", role},
    {x: at.x, y: at.y - 28, text: fullness(held, capacity), bold: true, align: "center", role, how},
  ]
}

/** @type {(fleet: Fleet, row: Row, gpu: number) => Said[]} */
function smallPackage(fleet, row, gpu) {
  const {places: {frames, dies}, layout: {capacity, capacity_kind: how}} = fleet, held = fleet.held(row, gpu)
  const [left, y, wide] = [frames.left[gpu], frames.bottom[gpu] + frames.h[gpu] + 9, frames.w[gpu]]
  const [, amount] = named(fleet, held, gpu, false), role = roleOf(gpu, held), at = middle(dies[gpu])
  return [
    {x: left + 2, y, text: `GPU ${gpu}`, bold: true, role},
    {x: left + wide - 2, y, text: wide > AMOUNT && held > 0 ? amount.replace(" GiB", "") : "", bold: gpu > 0, align: "right", role, how},
    {x: at.x, y: at.y - 2, text: String(gpu), size: 20, bold: true, align: "center", role},
    {x: at.x, y: at.y - 28, text: fullness(held, capacity), bold: true, align: "center", role, how},
  ]
}

/** GPUs that the run needs beyond those shown. @type {(fleet: Fleet, row: Row) => number} */
const beyondOf = ({layout: {capacity, gpus}}, row) => Math.max(0, Math.ceil(row.total / capacity) - gpus)

/** @type {(fleet: Fleet, row: Row) => Said[]} */
export function smallBar(fleet, row) {
  const {layout: {capacity, gpu, capacity_kind: how}, places: {bar: [, y, w, h]}} = fleet, end = fleet.at(capacity), beyond = beyondOf(fleet, row)
  const over = SPELL.gib(row.over), near = end <= w / 2
  /** @type {[number, Align]} */
  const [x, align] = end < 0.4 * w ? [end, "left"] : [w - 2, "right"]
  return [
    {x: 2, y: y + h + 36, text: "One address space, filled in order", bold: true, role: "text1"},
    {x: near ? end + 6 : end - 6, y: y + h + 10, text: `${gpu} ends here, ${SPELL.gib(capacity)}`, align: near ? "left" : "right", bold: true, role: "text1", how},
    {x, y: y - 34, text: beyond ? `${over} GiB over, ${SPELL.count(beyond)} GPUs not shown` : `${over} GiB has nowhere to go`, align, bold: true, role: "red-text", how},
  ]
}

/** @type {(fleet: Fleet, row: Row) => Said[]} */
export function bar(fleet, row) {
  const {layout: {capacity, gpu, gpus, capacity_kind: how}, places: {bar: [, y, w, h]}} = fleet, end = fleet.at(capacity), beyond = beyondOf(fleet, row)
  /** @type {[number, Align]} */
  const [x, align] = end < 220 ? [end + 6, "left"] : [end - 6, "right"]
  const past = beyond > 0 ? `, ${SPELL.count(beyond)} more GPU${beyond > 1 ? "s" : ""} not shown` : ""
  const first = align === "left" ? x + END_LABEL : end // from here on there is room for the ends of others
  const others = Array.from({length: gpus - 1}, (_, i) => capacity * (i + 2)).filter((bytes) => fleet.at(bytes) - 50 > first)
  return [
    {x: 2, y: y + h + 32, text: "One address space, filled in order", size: 15, bold: true, role: "text1"},
    {x, y: y + h + 11, text: `one ${gpu} ends here, ${SPELL.gib(capacity)}`, align, bold: true, role: "text1", how},
    ...others.map((bytes) => /** @type {Said} */ ({x: fleet.at(bytes) - 4, y: y + h + 11, text: SPELL.gib1(bytes), align: "right", role: "text3", how})),
    {x: end, y: y - 32, text: `${SPELL.gib(row.over)} GiB has nowhere to go${past}`, size: 15, bold: true, role: "red-text", how},
    {x: w - 2, y: y - 32, text: `${SPELL.gib(row.unused)} GiB reserved and unused`, align: "right", how: "computed"},
  ]
}
