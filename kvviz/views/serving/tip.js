// What lies under the pointer, in words.
class Tip {
  constructor(stage) {
    this.stage = stage
    this.box = document.createElement("div")
    this.box.className = "tip"
    this.box.hidden = true
    stage.append(this.box)
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
}
