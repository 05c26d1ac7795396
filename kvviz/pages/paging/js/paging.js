// The Paging page: settings, a start, and the comparison, revealed once and then kept up to date.
const TYPING_MS = 300
const REVEAL_MS = 1900 // by then the last of it has appeared
const REPLAY = '<svg width="16" height="16" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round"><path d="M13.5 8a5.5 5.5 0 1 1-1.7-4M13.6 1.6v3h-3"/></svg>'
const SKELETON = '<div class="metrics">' + '<section class="card metric"></section>'.repeat(4) + '</div><section class="card"></section><section class="card"></section>'

export function render({model}) {
  const root = element(`<div class="paging">
    <div class="top-row"><div><h1>One sequence, two ways to keep its cache</h1><p class="older"></p></div>
      <div class="pickers"><button class="open-text" aria-expanded="false" aria-controls="text-card">Text</button>
      <button class="go" aria-label="Replay" title="Replay (R)" hidden>${REPLAY}</button></div></div>
    <p class="problem" role="alert" hidden></p>
    <section class="card text-card" id="text-card" hidden><textarea rows="3" aria-label="Text of sequence A" placeholder="Type or paste a text: its tokens become the sequence"></textarea>
      <div><p class="counted" role="status"></p>
      <label class="dropzone"><input type="file" accept=".json,application/json"><span>Drop or choose a <b>tokenizer.json</b></span></label>
      <small>The text stays between this browser and this server.</small></div></section>
    <p class="unseen" role="status"></p>
    <div class="stage"></div>
    <div class="how"></div></div>`)
  const find = (selector) => root.querySelector(selector)
  const stage = find(".stage"), replay = find(".go"), writing = find("textarea"), view = poolView()
  find(".older").innerHTML = model.older

  // -- settings
  const drawn = {}
  const set = (name, value) => { busy(true); model.send_msg({set: [name, value]}) }
  function settings() {
    for (const field of model.fields) {
      if (drawn[field.name]) drawn[field.name](field)
      else {
        const [box, show] = picker(field, set)
        drawn[field.name] = show
        field.name === "sequences" || field.name === "shared" ? joins.append(box) : find(".open-text").before(box)
      }
    }
  }
  const joins = element(`<div class="pickers joins"></div>`)
  const busy = (on) => {
    root.classList.toggle("busy", on)
    stage.setAttribute("aria-busy", on)
  }

  // -- the text
  const open = (on) => {
    find(".text-card").hidden = !on
    find(".open-text").setAttribute("aria-expanded", on)
    if (on) writing.focus()
  }
  find(".open-text").onclick = () => open(find(".text-card").hidden)
  let typing = 0
  writing.oninput = () => {
    clearTimeout(typing)
    typing = setTimeout(() => { busy(true); model.send_msg({text: writing.value}) }, TYPING_MS)
  }
  const take = async (file) => { if (file) model.send_msg(await file.slice(0, model.limit).arrayBuffer()) }
  const zone = find(".dropzone"), chosen = zone.querySelector("input")
  chosen.onchange = async () => { await take(chosen.files[0]); chosen.value = "" }
  zone.ondragover = (event) => { event.preventDefault(); zone.classList.add("over") }
  zone.ondragleave = () => zone.classList.remove("over")
  zone.ondrop = (event) => { event.preventDefault(); zone.classList.remove("over"); take(event.dataTransfer.files[0]) }

  function words() {
    settings()
    const problem = find(".problem")
    problem.hidden = !model.problem
    problem.textContent = model.problem
    find(".counted").innerHTML = model.counted
    find(".how").innerHTML = model.how
    if (root.getRootNode().activeElement !== writing) writing.value = model.text
  }

  // -- start, loading, shown
  function start() {
    const card = element(`<section class="card start"><p>How much memory does the cache of one sequence take, reserved in advance and in blocks on demand?</p>
      <button class="go">Show comparison</button></section>`)
    card.querySelector("button").onclick = () => {
      stage.innerHTML = `<div class="skeleton">${SKELETON}</div>`
      set("shown", "true")
    }
    stage.replaceChildren(card)
  }

  let shown = false
  function show(play) {
    const {said, metrics, slot, pool, table} = model.parts
    find(".unseen").textContent = said
    if (!shown || play) {
      stage.replaceChildren(element(`<div class="shown"><div class="metrics"></div><section class="card slot"></section>
        <section class="card pool-card"><header></header></section><section class="card tables"><div></div></section></div>`))
      stage.querySelector(".pool-card").append(view.box)
      stage.querySelector(".tables").append(joins)
    }
    const at = (selector) => stage.querySelector(selector)
    at(".metrics").innerHTML = metrics
    at(".slot").innerHTML = slot
    at(".pool-card > header").innerHTML = pool
    at(".tables > div").innerHTML = table
    const moving = play && !still()
    if (moving) reveal(stage.firstElementChild)
    view.show(model.pool, model.tables, moving)
    shown = true
    replay.hidden = false
  }
  const reveal = (part) => {
    part.classList.add("reveal")
    setTimeout(() => part.classList.remove("reveal"), REVEAL_MS)
  }
  const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches
  replay.onclick = () => show(true)

  const key = (event) => {
    if (event.composedPath()[0].matches?.("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key.toLowerCase() === "l") document.dispatchEvent(new CustomEvent("kvviz:command", {detail: {theme: true}}))
    if (event.key.toLowerCase() === "r" && shown) show(true)
  }
  document.addEventListener("keydown", key)

  words()
  model.revision ? show(true) : start()
  model.on(["fields", "problem", "counted", "how", "text"], words)
  const revealing = () => Boolean(stage.querySelector(".reveal")) // then a change starts it again
  model.on("revision", () => show(!shown || revealing()))
  model.on("answered", () => { busy(false); if (!shown) start() })
  const themed = new MutationObserver(view.resized)
  themed.observe(document.documentElement, {attributes: true, attributeFilter: ["data-theme"]})
  model.on("remove", () => {
    themed.disconnect()
    document.removeEventListener("keydown", key)
  })
  return root
}
