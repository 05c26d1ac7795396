// Plays and keeps the moment and the context of every browser frame and every paint of the pages.
async ({renderer, speed, seconds, step}) => {
  const scene = Bokeh.documents[0].get_model_by_name("hbm")
  const view = Bokeh.index.find_one(scene.renderers.find(({name}) => name === renderer))
  const record = {ticks: [], paints: []}, {paint} = view
  const note = (list) => list.push([performance.now(), document.kvviz.row.when])
  view.paint = function (...given) { paint.apply(this, given); note(record.paints) }
  window.benchClock.step = step
  document.dispatchEvent(new CustomEvent("kvviz:command", {detail: {speed, seek: 0, play: true}}))
  const end = performance.now() + 1000 * seconds
  await new Promise((done) => {
    const tick = () => {
      note(record.ticks)
      if (performance.now() < end || record.paints.length < 4) requestAnimationFrame(tick)
      else done()
    }
    requestAnimationFrame(tick)
  })
  view.paint = paint
  return record
}
