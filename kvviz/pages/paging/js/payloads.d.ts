// What Python sends to the Paging page's board; a parameter each.
import type {Option, Value} from "../../kit/js/payloads.d.ts"

export interface PagingBoard {
  fields: Field[]
  problem: string
  older: string
  text: string
  counted: string
  how: string
  parts: Parts | Record<string, never>
  pool: Pool | Record<string, never>
  tables: Int32Array | null
  limit: number
  answered: number
  revision: number
}

/** A setting; one with bounds takes any number between them. */
export interface Field {
  kind: "picker"
  name: string
  label: string
  hint: string
  value: Value
  options: Option[]
  bounds: [number, number] | null
}

/** HTML of the cards. */
export interface Parts {
  said: string
  metrics: string
  slot: string
  pool: string
  table: string
}

/** The grid, and the sequences: blocks in their tables, and tokens. */
export interface Pool {
  blocks: number
  block: number
  wide: Shape
  narrow: Shape
  counts: number[]
  tokens: number[]
  said: string
}

/** Columns, rows, and blocks a cell. */
export type Shape = [number, number, number]
