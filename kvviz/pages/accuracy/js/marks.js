// Where figures stand in a text.
/** @import {Span} from "./payloads.d.ts" */
/** A piece of a text, and whether it is marked. @typedef {{text: string, marked: boolean}} Piece */

/** A text in pieces, the spans marked; one that overlaps an earlier one is left out.
 * @type {(text: string, spans: Span[]) => Piece[]} */
export function pieces(text, spans) {
  /** @type {Map<number, Span[]>} */
  const byLine = new Map()
  for (const span of spans) byLine.set(span[0], [...(byLine.get(span[0]) ?? []), span])
  return text.split("\n").flatMap((line, i) => {
    /** @type {Piece[]} */
    const found = []
    let at = 0
    for (const [, from, to] of (byLine.get(i + 1) ?? []).sort((a, b) => a[1] - b[1])) {
      if (from < at) continue
      found.push({text: line.slice(at, from), marked: false}, {text: line.slice(from, to), marked: true})
      at = to
    }
    return [...found, {text: line.slice(at) + "\n", marked: false}]
  })
}
