// What Python sends to the components that several pages use; a parameter each.

/** What a setting can be. */
export type Value = string | number | boolean | null

/** A value to choose, and what it is called. */
export type Option = [Value, string]

/** One setting, for the input that sets it. */
export interface Field {
  label: string
  hint: string
  value: Value
  options: Option[]
}

export interface Text {
  html: string
  css_class: string
}

export interface LiveCards {
  cards: [string, string][]
}

export interface LiveCard {
  html: string
  css_class: string
}

export interface Knob {
  kind: "slider" | "switch" | "segment" | "select" | "pick" | "search" | "fold"
  label: string
  value: Value
  options: Option[]
  note: string
  hint: string
}

export interface Upload {
  limit: number
}

export interface Transport {}

export interface Share {
  query: {[name: string]: Value}
  theme: string
}

export interface ThemeSwitch {
  theme: "dark" | "light"
}

export interface Drawer {
  label: string
  html: string
}
