// What Python sends to the HBM page's components; a parameter each.
import type {Figure, Row, Whole} from "../../kit/js/browser.d.ts"
import type {Option, Value} from "../../kit/js/payloads.d.ts"

export interface DidYouKnow {
  facts: Fact[]
}

export interface Fact {
  text: string
  source: string
  kind: string
}

export interface Controls {
  cards: Card[]
  /** What long selects offer, by their names. */
  lists: {[name: string]: Option[]}
  problem: string
  limit: number
}

export interface Card {
  name: string
  title: string
  aside?: string
  fields: Field[]
}

export type Field = Choice | Switch | Amount | Beside | Fold | Note | Part

export interface Choice {
  kind: "slider" | "select" | "segment"
  name: string
  label: string
  hint: string
  value: Value
  options: Option[]
  others?: Option[]
}

export interface Switch {
  kind: "switch"
  name: string
  label: string
  value: boolean
  note: string
}

/** A number that has an assumed value until it is set. */
export interface Amount {
  kind: "number"
  name: string
  label: string
  hint: string
  value: number | null
  options: Option[]
  assumed: string
  source: string
  unit: string
}

/** Fields side by side. */
export interface Beside {
  kind: "row"
  fields: Field[]
}

export interface Fold {
  kind: "fold"
  name: string
  label: string
  fields: Field[]
}

export interface Note {
  kind: "note"
  name: string
  html: string
}

/** What has nothing to be told. */
export interface Part {
  kind: "upload" | "problem" | "playhead" | "transport"
  name: string
}

export interface Player {
  scene: Figure
  fleet: Figure | null
  strip: Figure
  summary: string
  banner: string
  ledger: string
  strip_title: string
  when: Whole
  page: Whole
  pages: Whole
  owner: Whole
  state: Whole
  columns: string[]
  totals: Float64Array
  constants: Row
  layout: Layout
  places: Places
  fleet_places: FleetPlaces
  marks: Marks
  margins: Margins
  start: number
  autoplay: boolean
  revision: number
}

/** Pages, cells and codes of the rasters. */
export interface Layout {
  pages: number
  gpu_pages: number
  gpus: number
  gpu: string
  which_gpu: string
  capacity: number
  capacity_kind: string
  page_bytes: number
  layers: number
  mfu: number
  mbu: number
  rates_kind: string
  block: number
  shares: number[]
  page_tokens: boolean
  copies: string
  pages_per_cell: number
  columns: number
  rows: number
  band: number
  codes: Codes
}

export interface Codes {
  free: number
  weights: number
  reserved: number
  sequence: number
  scores: number
}

/** Centres, lower left corners and sizes, y up. */
export interface Boxes {
  x: number[]
  y: number[]
  left: number[]
  bottom: number[]
  w: number[]
  h: number[]
}

/** Boxes, and how each is drawn. */
export interface Dressed extends Boxes {
  fill: number[]
  line: number[]
  dash: string[]
}

export interface Look {
  fill: number
  line: number
  dash: string
}

export interface Segments {
  x0: number[]
  y0: number[]
  x1: number[]
  y1: number[]
}

/** Where on the scene what is drawn. */
export interface Places {
  figure: {sites: Boxes, dies: Dressed, lanes: Segments}
  site_names: string[]
  lanes: [number, number, number, number][]
  which_at: [number, number, Align]
  particles: number
  tiles: Tiles
  roles: {[role: string]: number}
  wide: Dies
  phone: Dies
}

export type Align = "left" | "center" | "right"

export interface Tiles {
  none: number
  beyond: number
  ahead: number
  done: number
  tile: number
  solid: number
}

/** What the dies hold, in one shape of the screen. */
export interface Dies {
  figure: {boxes: Dressed, units: Units, squares: Segments}
  working: number
  triangle: [number, number, number, number]
  tracks: Boxes
  squares: number
  texts: Words[]
}

export interface Units extends Boxes {
  tone: number[]
}

/** A text over the scene; one that is live names what the player says. */
export interface Words {
  x: number
  y: number
  text: string
  size: number
  align: Align
  bold: boolean
  role: string
  how: string
  live: boolean
}

/** Where on the scene of several GPUs what is drawn. */
export interface FleetPlaces {
  sites: Boxes
  frames: Boxes
  dies: Boxes[]
  spare: Boxes[]
  ground: Dressed
  looks: {owned: [Look, Look], missing: [Look, Look], later: [Look, Look]}
  spare_look: Look
  lines: {ends: number, over: number}
  bar: [number, number, number, number]
  columns: number
}

/** The strip's labels and the top of its axis. */
export interface Marks {
  top: number
  early: boolean
  labels: Label[]
}

/** At the run's share `at`, or at a capacity's line. */
export interface Label {
  at: number | null
  gib: number
  text: string
  short: string
  role: string
  how: string
  below: boolean
}

export interface Margins {
  left: number
  right: number
  top: number
  bottom: number
}
