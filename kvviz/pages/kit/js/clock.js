// The clock of a player: where the playhead stands in a run, and whether and how fast it moves.
/** @import {Command} from "./browser.d.ts" */
const MOST_MS = 100 // that a frame moves it by: a page that was busy goes on where it was

/**
 * Who draws what the clock plays.
 * @typedef Played
 * @property {(time: number) => void} moved - the playhead has moved on by itself, in the frame of this time
 * @property {() => void} placed - the playhead stands somewhere else
 * @property {(before: boolean) => void} paused - it does not play, and did before or not
 * @property {() => void} tell - something of the clock has changed
 */

export class Playback {
  /**
   * A run takes so many seconds at 1x, rests at its end, and begins again.
   * @param {Played} player
   * @param {{seconds: number, rest: number, again?: boolean}} run - `again`: played at its end, it does not rest before
   */
  constructor(player, {seconds, rest, again = false}) {
    this.player = player
    this.seconds = seconds
    this.rest = rest
    this.again = again
    this.now = 0
    this.end = 0
    this.speed = 1
    this.playing = false
    this.played = 0 // seconds of play, so that what moves by them stands still with the clock
    this.frame = 0
    /** When the last frame was. @type {number | undefined} */
    this.last = undefined
  }

  /** Where in the run the playhead stands; while it rests, at the end. */
  get at() { return Math.min(this.now, this.end) }

  /** @type {(on: boolean) => void} */
  play(on) {
    const before = this.playing
    this.stop()
    this.playing = on
    this.last = undefined
    if (on && this.again && this.now >= this.end) this.now = 0
    if (on) this.frame = requestAnimationFrame((time) => this.step(time))
    else this.player.paused(before)
    this.player.tell()
  }

  stop() { cancelAnimationFrame(this.frame) }

  /** @type {(time: number) => void} */
  step(time) {
    this.frame = requestAnimationFrame((next) => this.step(next))
    this.advance(Math.min(time - (this.last ?? time), MOST_MS) / 1000)
    this.last = time
    this.player.moved(time)
  }

  /** @type {(seconds: number) => void} */
  advance(seconds) {
    this.played += seconds * this.speed
    this.now += (seconds * this.speed * this.end) / this.seconds
    if (this.now > this.end * (1 + this.rest / this.seconds)) this.now = 0
  }

  /** @type {(when: number) => void} */
  seek(when) {
    this.now = Math.max(0, Math.min(when, this.end))
    this.player.placed()
    this.player.tell()
  }

  /** @type {(command: Command) => void} */
  obey({play, toggle, speed, seek}) {
    if (seek !== undefined) this.seek(seek)
    if (speed !== undefined) { this.speed = speed; this.player.tell() }
    if (toggle) this.play(!this.playing)
    if (play !== undefined) this.play(play)
  }
}
