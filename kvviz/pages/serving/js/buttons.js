// Buttons, keys and the drag over the whole run.
class Buttons {
  constructor(player, stage) {
    Object.assign(this, {player, stage})
    this.listen()
  }

  listen() {
    const {player, stage} = this
    player.find(".play").onclick = () => player.play(!player.playing)
    for (const button of stage.querySelectorAll("[data-speed]"))
      button.onclick = () => player.obey({speed: Number(button.dataset.speed)})
    for (const button of stage.querySelectorAll(".which button"))
      button.onclick = () => { player.show(button.dataset.run); player.tell() }
    const over = player.find(".over .frame"), seek = (event) => {
      const box = over.getBoundingClientRect(), {left, right} = player.model.layout.overview
      player.seek(((event.clientX - box.left - left) / (box.width - left - right)) * player.end)
    }
    over.addEventListener("pointerdown", (event) => { over.setPointerCapture(event.pointerId); seek(event) })
    over.addEventListener("pointermove", (event) => { if (event.buttons) seek(event) })
    const keys = (event) => this.key(event)
    document.addEventListener("keydown", keys)
    player.model.on("remove", () => document.removeEventListener("keydown", keys))
  }

  key(event) {
    const {player} = this, target = event.composedPath()[0]
    if (keyOfOthers(event, target)) return
    const by = (player.end / (event.shiftKey ? 20 : 200)) * {ArrowLeft: -1, ArrowRight: 1}[event.key]
    const next = {ArrowUp: -1, ArrowDown: 1}[event.key]
    if (event.key === " ") event.repeat || player.play(!player.playing) // a held key is one press
    else if (event.key.toLowerCase() === "l") event.repeat || say("command", {theme: true})
    else if (next && target.classList.contains("handle")) player.choose(player.followed + next)
    else if (by) player.seek(player.now + by)
    else return
    event.preventDefault()
  }
}
