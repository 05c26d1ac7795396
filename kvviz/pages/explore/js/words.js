// What a cell of the map says to who cannot see it.
/** @import {View} from "./payloads.d.ts" */
export const NO_SPLIT = -2
const UNKNOWN = -3

/** @type {(view: Pick<View, "rows" | "columns" | "texts" | "tones" | "unit" | "legend">, i: number) => string} */
export function spoken({rows, columns, texts, tones, unit, legend}, i) {
  const tone = tones[i], column = columns[i % columns.length]
  const pair = `${rows[Math.floor(i / columns.length)].label} on ${column.label} ${column.note}`
  if (tone >= 0) return `${pair}: ${texts[i]} ${unit}`
  if (tone === NO_SPLIT) return `${pair}: cannot run on ${legend.gpus === 1 ? "one GPU" : `${legend.gpus} GPUs`}`
  if (tone === UNKNOWN) return `${pair}: unknown`
  return texts[i] === "no fit" ? `${pair}: does not fit at any TP × PP` : `${pair}: does not fit, needs ${texts[i]}`
}
