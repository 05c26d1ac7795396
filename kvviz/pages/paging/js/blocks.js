// Who holds which physical block, and where runs of neighbours are named.
/** @import {Pool} from "./payloads.d.ts" */
/**
 * A row of a sequence's block table; `order` is that in which its block was taken.
 * @typedef {{sequence: number, logical: number, tokens: number, order: number}} Held
 */

/** The sequences' rows by physical block, in the order in which blocks are taken.
 * @type {(pool: Pick<Pool, "counts" | "tokens" | "block">, tables: ArrayLike<number>) => Map<number, Held[]>} */
export function owners({counts, tokens, block}, tables) {
  const found = new Map()
  let at = 0
  counts.forEach((count, sequence) => {
    for (let logical = 0; logical < count; logical++, at++) {
      const rows = found.get(tables[at]) ?? []
      rows.push({sequence, logical, tokens: Math.min(block, tokens[sequence] - logical * block), order: found.size})
      found.set(tables[at], rows)
    }
  })
  return found
}

/** Neighbouring blocks of one line as [first, last].
 * @type {(blocks: Iterable<number>, columns: number) => [number, number][]} */
export function runsOf(blocks, columns) {
  /** @type {[number, number][]} */
  const found = []
  for (const block of [...blocks].sort((a, b) => a - b)) {
    const last = found.at(-1)
    if (last && block === last[1] + 1 && block % columns) last[1] = block
    else found.push([block, block])
  }
  return found
}

/**
 * Places for the runs' names, so wide as told in cells, where no run and no other name is: after its
 * own run, else before it; a name without room has none.
 * @type {(runs: [number, number][], widths: number[], columns: number) => ({line: number, start: number} | null)[]}
 */
export function nextTo(runs, widths, columns) {
  const taken = runs.map(([first, last]) => ({line: Math.floor(first / columns), from: first % columns, to: last % columns}))
  const own = [...taken]
  return widths.map((wide, i) => {
    const {line, from, to} = own[i]
    /** @type {(a: number, b: number) => boolean} */
    const free = (a, b) => a >= 0 && b < columns && taken.every((other) => other === own[i] || other.line !== line || other.to < a || other.from > b)
    const start = free(to + 1, to + wide) ? to + 1 : free(from - wide, from - 1) ? from - wide : -1
    if (start < 0) return null
    taken.push({line, from: start, to: start + wide - 1})
    return {line, start}
  })
}
