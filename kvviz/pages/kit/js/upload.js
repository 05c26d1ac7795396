// A place to drop a config.json, or to choose one; only as much is sent as may be read.
function dropzone(send, limit) {
  const zone = document.createElement("label")
  zone.className = "dropzone"
  zone.innerHTML = `<input type="file" accept=".json,application/json"><span>Drop or choose a <b>config.json</b></span>`
  const input = zone.querySelector("input")
  const take = async (file) => {
    if (!file) return
    send(await file.slice(0, limit).arrayBuffer())
    input.value = ""
  }
  input.onchange = () => take(input.files[0])
  zone.ondragover = (event) => { event.preventDefault(); zone.classList.add("over") }
  zone.ondragleave = () => zone.classList.remove("over")
  zone.ondrop = (event) => { event.preventDefault(); zone.classList.remove("over"); take(event.dataTransfer.files[0]) }
  return zone
}
