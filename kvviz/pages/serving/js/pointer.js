// What lies under the pointer, in words; a click follows the request that lies there.
class Pointer {
  constructor(player, stage) {
    Object.assign(this, {player, stage})
    this.box = document.createElement("div")
    this.box.className = "tip"
    this.box.hidden = true
    stage.append(this.box)
    this.listen()
  }

  show(event, html) {
    const stage = this.stage.getBoundingClientRect(), {box} = this
    if (box.innerHTML !== html) box.innerHTML = html
    box.hidden = false
    const x = Math.max(0, Math.min(event.clientX - stage.left + 14, stage.width - box.offsetWidth))
    box.style.left = `${x}px`
    box.style.top = `${event.clientY - stage.top + 16}px`
  }

  hide() { this.box.hidden = true }

  listen() {
    const listen = (element, found) => {
      element.addEventListener("pointermove", (event) => {
        const {html} = found(event)
        if (html) this.show(event, html)
        else this.hide()
      })
      element.addEventListener("pointerleave", () => this.hide())
      element.addEventListener("click", (event) => {
        const {request} = found(event)
        if (request !== undefined) this.player.choose(request)
      })
    }
    for (const run of ["a", "b"]) listen(this.player.find(`.pool[data-run="${run}"] .cells`), (event) => this.overPool(run, event))
    listen(this.player.find(".requests .window"), (event) => this.overLane(event))
  }

  overPool(run, event) {
    const box = event.currentTarget.getBoundingClientRect(), {now, model, runs} = this.player, {blocks, lives} = runs[run]
    const block = blocks.blockAt((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height)
    if (block === undefined) return {}
    const {each} = model.grid, name = each > 1 ? `Blocks ${SPELL.count(block)} to ${SPELL.count(block + each - 1)}` : `Block ${SPELL.count(block)}`
    const owner = blocks.owner[block], state = blocks.state[block]
    if (state === STATE.free) return {html: `<b>${name}</b> free`}
    const words = {2: `reserved for request ${owner}, still empty`, 3: `request ${owner}, ${lives.says(owner, now)}`,
      4: `free, its content still cached; last held by request ${owner}`, 5: `shared by several requests, ${owner} one of them`}
    return {html: `<b>${name}</b> ${words[state]}`, request: owner}
  }

  overLane(event) {
    const {now, runs, shown, chart} = this.player, box = event.currentTarget.getBoundingClientRect()
    const share = (event.clientY - box.top) / box.height
    const request = share >= 0 && share < 1 ? chart.laneAt(share) : undefined
    if (request === undefined) return {}
    const {lives, blocks} = runs[shown], {prompt, output, queued_s, ttft_s, end_s, preemptions} = lives.requests
    const times = preemptions[request], held = blocks.heldBy(request), at = (time) => `${time.toFixed(2)} s`
    const does = `${lives.says(request, now)}${held ? `, ${SPELL.count(held)} block${held === 1 ? "" : "s"}` : ""}`
    const tail = times ? `, preempted ${times === 1 ? "once" : `${times} times`}` : ""
    return {request, html: `<b>Request ${request}</b> ${does}<br><small>${SPELL.count(prompt[request])} + ${SPELL.count(output[request])} tokens; ` +
      `comes at ${at(queued_s[request])}, first token after ${SPELL.seconds(ttft_s[request])}${tail}, ends at ${at(end_s[request])}</small>`}
  }
}
