// What Python sends to the Explore page's components; a parameter each.

export interface HeatMap {
  view: View
  chosen: [string, string]
  palette: [string, string][]
}

/** What the map shows: cells row after row, each with its tone (a place on the palette, or less than
 * 0) and its text. */
export interface View {
  heading: string
  unit: string
  kind: string
  rows: Heading[]
  columns: Heading[]
  tones: number[]
  texts: string[]
  legend: Legend
}

/** Of a model's row or a GPU's column. */
export interface Heading {
  name: string
  label: string
  note: string
  kind?: string
}

export interface Legend {
  ends: [string, string]
  gpus: number
}

export interface Downloads {}
