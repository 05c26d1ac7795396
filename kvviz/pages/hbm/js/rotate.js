// Shows one fact at a time; the next comes by itself while the run plays, or when asked for.
const SECONDS = 12, WIDE = 1500

export function render({model}) {
  const card = document.createElement("section")
  card.className = "live card fact"
  card.innerHTML = `<header><h2>Did you know</h2><small></small></header>
    <button><span></span><cite></cite></button>`
  const [count, button, text, source] = ["small", "button", "span", "cite"].map((tag) => card.querySelector(tag))
  let at = 0, playing, timer

  const put = (index) => {
    at = index
    count.textContent = `${at + 1} of ${model.facts.length}`
    text.textContent = model.facts[at].text
    source.textContent = model.facts[at].source
    button.title = `${model.facts[at].kind}. Click for the next fact.`
  }
  // Beside the scene a card that hangs out of the window is worse than none; below it, it may.
  const fits = () => innerWidth < WIDE || card.getBoundingClientRect().bottom + scrollY <= innerHeight
  // Shows the first fact from `index` on that there is room for.
  const show = (index) => {
    const {length} = model.facts
    card.hidden = false
    for (let step = 0; step < length; step++) {
      put((index + step) % length)
      if (fits()) return
    }
    put(index % length)
    card.hidden = true
  }
  const again = () => show(at)
  const turn = () => {
    clearInterval(timer)
    if (playing && !matchMedia("(prefers-reduced-motion: reduce)").matches)
      timer = setInterval(() => { if (!card.matches(":hover")) show(at + 1) }, SECONDS * 1000)
  }

  button.onclick = () => { show(at + 1); turn() }
  model.on("facts", again)
  hear(model, "state", (state) => {
    if (state.playing !== playing) { playing = state.playing; turn() }
    button.setAttribute("aria-live", playing ? "off" : "polite")
    again()
  })
  const size = new ResizeObserver(again)
  size.observe(document.documentElement)
  model.on("after_render", again)
  addEventListener("resize", again)
  model.on("remove", () => { clearInterval(timer); size.disconnect(); removeEventListener("resize", again) })
  put(0)
  return card
}
