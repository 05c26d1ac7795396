// Colours between two others.

/** @type {(hex: string, i: number) => number} */
const part = (hex, i) => parseInt(hex.slice(i, i + 2), 16)

/** The colour at a share of the way from one to another, all as #rrggbb.
 * @type {(from: string, to: string, share: number) => string} */
export const mixed = (from, to, share) =>
  "#" + [1, 3, 5].map((i) => Math.round(part(from, i) * (1 - share) + part(to, i) * share).toString(16).padStart(2, "0")).join("")
