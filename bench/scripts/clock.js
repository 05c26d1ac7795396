// Lets the benchmark set how far the page's clock moves in a frame; until then it is the real one.
(() => {
  const real = window.requestAnimationFrame.bind(window)
  const clock = {step: 0, time: 0, last: 0}
  window.benchClock = clock
  window.requestAnimationFrame = (react) => real((time) => {
    if (clock.step && time !== clock.last) clock.time += clock.step
    if (!clock.step) clock.time = time
    clock.last = time
    react(clock.time)
  })
})()
