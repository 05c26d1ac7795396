// How numbers are spelled.
const GIB = 2 ** 30
/** @type {[number, string, number?][]} */
const UNITS = [[GIB, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]]
const FULL = 1 - 0.05 / 1024 // of a unit: from here on the next smaller one would spell 1,024.0
const EXACT = 1e-12 // nearer than this, sums of shares do not tell two of them apart
/** @type {Intl.NumberFormat[]} */
const formats = []

/** @type {(value: number, digits: number) => string} */
export const grouped = (value, digits) =>
  (formats[digits] ??= new Intl.NumberFormat("en-US", {minimumFractionDigits: digits, maximumFractionDigits: digits})).format(value)

/** As units.share spells one that is not negative: none and all only where it is exactly that, else
 * by the last step before. @type {(share: number, digits: number) => string} */
const shareOf = (share, digits) => {
  const whole = 100 * 10 ** digits, steps = Math.floor(share * whole + 0.5)
  const spell = (/** @type {number} */ n) => `${grouped(n / 10 ** digits, digits)}%`
  if (steps === 0 && share >= EXACT) return `<\u00a0${spell(1)}`
  if (steps === whole && Math.abs(share - 1) >= EXACT) return `>\u00a0${spell(share < 1 ? whole - 1 : whole)}`
  return spell(steps)
}

/** @type {(bytes: number) => string} */
const gib = (bytes) => grouped(bytes / GIB, bytes < 1000 * GIB ? 2 : bytes < 10_000 * GIB ? 1 : 0)

/** @type {(bytes: number) => string} */
const size = (bytes) => {
  const [unit, name, digits = 1] = UNITS.find(([unit]) => Math.abs(bytes) >= unit * FULL) ?? [1, "B", 0]
  return `${grouped(bytes / unit, digits)} ${name}`
}

/** Small ones in their own unit. @type {(bytes: number) => string} */
const amount = (bytes) => (bytes && bytes < 0.005 * GIB ? size(bytes) : `${gib(bytes)} GiB`)

/** @type {(seconds: number) => string} */
const seconds = (seconds) => {
  if (isNaN(seconds)) return "none"
  return seconds < 0.9995 ? `${Number((seconds * 1e3).toPrecision(3))} ms` : `${Number(seconds.toPrecision(3)).toLocaleString("en-US")} s`
}

/** A percentage after its sign. @type {(share: number) => string} */
const equals = (share) => shareOf(share, 1).replace(/^(?=\d)/, "= ")

/** A share less. @type {(share: number) => string} */
const fall = (share) => shareOf(share, 0).replace(/^([<>])/, (bound) => (bound === "<" ? ">" : "<")).replace(/[1-9]/, "−$&")

/** By the unit that an element asks for. */
export const SPELL = {
  gib, amount, size, seconds, equals, fall,
  gib1: (/** @type {number} */ bytes) => grouped(bytes / GIB, 1),
  change: (/** @type {number} */ bytes) => (bytes > 0 ? "−" : bytes < 0 ? "+" : "") + amount(Math.abs(bytes)),
  count: (/** @type {number} */ value) => (isNaN(value) ? "unknown" : grouped(value, 0)),
  tenth: (/** @type {number} */ value) => grouped(value, 1),
  percent: (/** @type {number} */ share) => shareOf(share, 1),
  percent0: (/** @type {number} */ share) => (isNaN(share) ? "unknown" : shareOf(share, 0)),
}
