// The players' clock: it moves with the frames, rests at the end, and says what has changed.
import assert from "node:assert/strict"
import {beforeEach, test} from "node:test"
import {Playback} from "../../kvviz/pages/kit/js/clock.js"

/** What waits for the next frame. @type {((time: number) => void)[]} */
let waiting = []
/** What the clock said to its player. @type {string[]} */
let said = []
const player = {
  moved: (/** @type {number} */ time) => said.push(`moved ${time}`),
  placed: () => said.push("placed"),
  paused: (/** @type {boolean} */ before) => said.push(before ? "paused" : "still"),
  tell: () => said.push("tell"),
}

/** A clock of a run as long as told. @type {(end: number, again?: boolean) => Playback} */
const clockOf = (end, again) => Object.assign(new Playback(player, {seconds: 20, rest: 2, again}), {end})

/** @type {(time: number) => void} */
const frame = (time) => {
  const [react] = waiting.splice(0, 1)
  react(time)
}

beforeEach(() => {
  waiting = []
  said = []
  Object.assign(globalThis, {
    requestAnimationFrame: (/** @type {(time: number) => void} */ react) => waiting.push(react),
    cancelAnimationFrame: () => { waiting = [] },
  })
})

test("a run takes its seconds", () => {
  const clock = clockOf(8192)
  clock.play(true)
  frame(1000)
  frame(1050)
  frame(1100)
  assert.equal(clock.now, (0.1 / 20) * 8192)
  assert.deepEqual(said, ["tell", "moved 1000", "moved 1050", "moved 1100"])
})

test("twice the speed is twice as far, and told", () => {
  const clock = clockOf(100)
  clock.obey({speed: 2})
  clock.advance(5)
  assert.equal(clock.now, 50)
  assert.equal(clock.played, 10)
  assert.deepEqual(said, ["tell"])
})

test("a frame that comes late moves it by a tenth of a second", () => {
  const clock = clockOf(100)
  clock.play(true)
  frame(0)
  frame(9000)
  assert.equal(clock.now, 0.5)
})

test("at the end it rests, and begins again", () => {
  const clock = clockOf(100)
  clock.seek(100)
  clock.advance(1)
  assert.equal(clock.now, 105)
  assert.equal(clock.at, 100)
  clock.advance(1.5)
  assert.equal(clock.now, 0)
})

test("played at the end it begins again at once, where the run says so", () => {
  for (const again of [false, true]) {
    const clock = clockOf(100, again)
    clock.seek(100)
    clock.play(true)
    assert.equal(clock.now, again ? 0 : 100)
  }
})

test("a pause stops it, and says whether it had played", () => {
  const clock = clockOf(100)
  clock.play(false)
  clock.play(true)
  clock.play(false)
  assert.equal(waiting.length, 0)
  assert.deepEqual(said, ["still", "tell", "tell", "paused", "tell"])
})

test("a gap while it was paused moves nothing", () => {
  const clock = clockOf(100)
  clock.play(true)
  frame(0)
  clock.play(false)
  clock.play(true)
  frame(60_000)
  assert.equal(clock.now, 0)
})

test("it seeks within the run", () => {
  const clock = clockOf(100)
  for (const [when, now] of [[40, 40], [-5, 0], [101, 100]]) {
    clock.seek(when)
    assert.equal(clock.now, now)
  }
  assert.deepEqual(said.slice(0, 2), ["placed", "tell"])
})

test("it obeys commands in one order: seek, speed, toggle, play", () => {
  const clock = clockOf(100)
  clock.obey({play: false, seek: 40, toggle: true, speed: 0.5})
  assert.deepEqual([clock.now, clock.speed, clock.playing], [40, 0.5, false])
  clock.obey({toggle: true})
  assert.equal(clock.playing, true)
  clock.obey({theme: true})
  assert.equal(clock.playing, true)
})
