// What surrounds a module: Panel's side of its component, Bokeh's figures, and what is told on the page.

/** A component's parameters, kept in step with the server, and what Panel adds to them. */
export type Model<Payload> = Payload & {
  on(message: "msg:custom", react: (message: any) => void): void
  on(changes: Heard<Payload> | Heard<Payload>[], react: () => void): void
  send_msg(message: unknown): void
  get_child(name: keyof Payload & string): HTMLElement
}

type Heard<Payload> = (keyof Payload & string) | "remove" | "after_render"

/** What Panel calls a component's render function with. */
export interface Rendered<Payload> {
  model: Model<Payload>
  view: View
}

export interface View {
  on_child_render(name: string, react: () => void): void
  render_children(): void
}

/** Whole numbers as the server sends them, in the smallest type that holds them. */
export type Whole = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array

/** Values of a figure's glyphs; one that the browser changes keeps its array. */
export type Column = ArrayLike<unknown>

/** Columns by their name. */
export type Columns = {[name: string]: Column}

export interface Source {
  name: string
  data: {[name: string]: Column}
  change: {emit(): void}
}

export interface Glyph {
  color_mapper: {palette: string[]}
  setv(values: object, options: {sync: boolean}): void
  [property: string]: any
}

export interface Renderer {
  name: string
  data_source: Source
  glyph: Glyph
}

/** A pixel for each cell, as Bokeh paints them. */
export interface Image extends Uint8Array<ArrayBuffer> {
  shape: number[]
}

export type ImageType = new (size: number, shape: [number, number]) => Image

/** A Bokeh figure. */
export interface Figure {
  renderers: Renderer[]
  x_range: {setv(values: object, options: {sync: boolean}): void}
  y_range: {setv(values: object, options: {sync: boolean}): void}
}

/** What Bokeh shows a figure with. */
export interface FigureView {
  is_destroyed: boolean
  paintsByFrame?: boolean
  repaint(): void
  throttled_paint(): Promise<void>
}

/** Numbers that hold at the playhead, by their name. */
export type Row = {[name: string]: number}

/** What a player does. */
export interface State {
  playing: boolean
  speed: number
  now: number
  end: number
  revision: number
}

/** What a player is asked for, and the theme switch. */
export interface Command {
  play?: boolean
  toggle?: boolean
  speed?: number
  seek?: number
  follow?: number
  theme?: boolean
}

/** What is told on the page, by the name of its event. */
export interface Told {
  row: Row
  state: State
  command: Command
  place: {[name: string]: string | number}
}

declare global {
  const Bokeh: {index: {find_one(figure: Figure): FigureView | null}}

  interface Document {
    kvviz?: Partial<Told> & {counting?: boolean}
  }
}
