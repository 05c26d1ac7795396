// What Python sends to the Accuracy page's components; a parameter each.

export interface Paste {
  text: string
  html: string
  spans: Span[]
  problem: string
  answered: number
  limit: number
  note: string
}

/** A line from 1, and from where to where in it. */
export type Span = [number, number, number]
