// The centre of the page: banner, scene, ledger and strip around the player.
export function render({model, view}) {
  const stage = document.createElement("div")
  stage.className = "stage"
  stage.innerHTML = `<div class="live summary" aria-hidden="true"></div><div class="live banner-slot"></div>
    <div class="scene" role="img"><div class="layer scene-layer"></div><div class="layer fleet-layer"></div></div>
    <div class="live ledger-slot"></div>
    <section class="strip card"><h2>${model.strip_title}</h2><div class="plot" role="img"></div>
      <div class="veil"></div><div class="marks" aria-hidden="true"></div>
      <div class="handle" role="slider" tabindex="0" aria-label="Playhead, tokens of context" aria-valuemin="0"><i></i></div></section>`
  const find = (selector) => stage.querySelector(selector)
  const slots = {summary: find(".summary"), banner: find(".banner-slot"), ledger: find(".ledger-slot")}
  const player = new Player(model, find(".scene"), find(".strip"))
  const texts = () => {
    for (const [name, slot] of Object.entries(slots)) {
      slot.innerHTML = model[name]
      fill(slot, document.kvviz?.row)
    }
  }
  texts()
  find(".scene-layer").prepend(model.get_child("scene"))
  find(".plot").append(model.get_child("strip"))
  // The figure of several GPUs comes with the first run that needs it. It is rendered at once, since
  // a resize has Bokeh measure it in any case, and shown once it has been measured where it stands.
  const fleet = () => { if (model.fleet) find(".fleet-layer").prepend(model.get_child("fleet")) }
  const shown = () => { player.measured = Boolean(model.fleet); player.load() }
  fleet()
  view.on_child_render("fleet", () => {
    fleet()
    view.render_children()
    requestAnimationFrame(() => requestAnimationFrame(shown))
  })
  model.on("revision", () => { texts(); player.load() })
  model.on("after_render", shown)
  hear(model, "row", (row) => { for (const slot of Object.values(slots)) fill(slot, row) })
  // The total stays in sight where the scene is scrolled out of it.
  new IntersectionObserver(([{isIntersecting}]) => slots.summary.classList.toggle("shown", !isIntersecting)).observe(find(".scene"))
  return stage
}
