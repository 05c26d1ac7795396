// Draws every cell of the pages' images as a rect; the images stay in memory, unseen.
() => {
  const scene = Bokeh.documents[0].get_model_by_name("hbm")
  const renderer = (name) => scene.renderers.find((each) => each.name === name)
  const pages = renderer("pages").data_source, rects = renderer("rects").data_source
  Bokeh.index.find_one(renderer("pages")).set_data = () => {}
  const columns = {x: [], y: [], w: [], h: [], code: []}
  const add = (image, site) => {
    const [rows, across] = image.shape, {left, bottom, w, h} = pages.data
    for (let cell = 0; cell < rows * across; cell++) {
      columns.x.push(left[site] + ((cell % across) + 0.5) * (w[site] / across))
      columns.y.push(bottom[site] + (Math.floor(cell / across) + 0.5) * (h[site] / rows))
      columns.w.push(w[site] / across)
      columns.h.push(h[site] / rows)
    }
  }
  pages.data.image.forEach(add)
  const show = () => {
    let next = 0
    for (const image of pages.data.image) for (const code of image) columns.code[next++] = code
    rects.change.emit()
  }
  Object.assign(rects.data, columns)
  pages.change.connect(show)
  show()
}
