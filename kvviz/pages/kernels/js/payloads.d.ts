// What Python sends to the Kernels page's components; a parameter each.

export interface ChartCard {
  heading: string
  note: string
  aside: string
  told: string
  chart: unknown
}

export interface RunButton {
  busy: boolean
  doing: string
  share: number
  problem: string
  note: string
}

export interface Check {
  label: string
  note: string
  colour: string
  value: boolean
}

export interface Tiles {
  tiles: Tile[]
  blocks: number
}

/** Row, column, and of each of the row's queries the running maximum and sum. */
export type Tile = [number, number, number[], number[]]
