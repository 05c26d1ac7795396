// How an input is drawn.
import type {Value} from "../payloads.d.ts"

/**
 * Draws a field once and returns its element and what brings it up to date, so that it keeps the
 * keyboard's focus; `set` takes what is entered.
 */
export type Draw<Field> = (field: Field, set: (value: Value) => void) => [HTMLElement, (next: Field) => void]
