// Changes a control and says after how many ms the frame with the new record is on the screen.
(control, value) => new Promise((done) => {
  const scene = Bokeh.documents[0].get_model_by_name("hbm")
  const view = Bokeh.index.find_one(scene.renderers.find(({name}) => name === "pages"))
  const {paint} = view, before = document.kvviz.state.revision, start = performance.now()
  view.paint = function (...given) {
    paint.apply(this, given)
    if (document.kvviz.state.revision === before) return
    view.paint = paint
    requestAnimationFrame(() => done(performance.now() - start))
  }
  if (value === null) return control.click()
  control.value = value
  control.dispatchEvent(new Event("input"))
  control.dispatchEvent(new Event("change"))
})
