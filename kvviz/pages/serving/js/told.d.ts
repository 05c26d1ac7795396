// What the Serving page's player tells beside the usual.

/** Of a run. */
export type Name = "a" | "b"

export type Phase = "waiting" | "prefill" | "decode" | "preempted"

/** What does not change about the followed request while it is followed. */
export interface About {
  key: string
  request: number
  run: Name
  phases: {phase: Phase, start: number, end: number}[]
  curve: [number, number][]
  prompt: number
  output: number
  ttft: number
  tpot: number
  preemptions: number
  start: number
  end: number
  block: number
  paged: boolean
}

/** The followed request at the playhead; its tokens are not told during a prefill. */
export interface Followed extends About {
  now: number
  tokens: number | undefined
  says: string
  count: number
  runs: number
}

declare module "../../kit/js/browser.d.ts" {
  interface Told {
    request: Followed
  }

  interface State {
    followed?: number
    shown?: Name
  }
}
