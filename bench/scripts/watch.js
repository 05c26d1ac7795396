// Notes when the scene first moves, in ms since the page was asked for: when what moves in every
// frame of the playing is painted for the second time.
(() => {
  const look = () => {
    if (!document.kvviz?.state?.playing) return requestAnimationFrame(look)
    const scene = Bokeh.documents[0].get_model_by_name("hbm")
    const view = Bokeh.index.find_one(scene.renderers.find(({name}) => name === "particles"))
    const {paint} = view
    let paints = 0
    view.paint = function (...given) {
      paint.apply(this, given)
      if (++paints < 2) return
      view.paint = paint
      window.benchAnimated = performance.now()
    }
  }
  requestAnimationFrame(look)
})()
