// A box for a start-up log: what is pasted or typed is sent when it rests, and never more than may be read.
const REST_MS = 500

export function render({model}) {
  const card = document.createElement("div")
  card.className = "live card paste"
  card.innerHTML = `<header><strong>Paste an engine log</strong><button type="button">Clear</button></header>
    <div class="paper"><pre aria-hidden="true"></pre>
    <textarea aria-label="Engine log" spellcheck="false" rows="9" placeholder="Model loading took 14.99 GiB …"></textarea></div>
    <div class="read"></div><p class="problem" role="alert"></p>
    <p class="where">${model.note}</p>`
  const box = card.querySelector("textarea"), problem = card.querySelector(".problem"), paper = card.querySelector("pre")
  let timer, read = model.text, sent = model.answered // the last text sent, and how many were
  const send = () => {
    if (!box.value.trim()) return
    if (box.value.length > model.limit) problem.textContent = `The text is longer than ${model.limit.toLocaleString("en-US")} characters, the most read here.`
    else { problem.textContent = model.problem; read = box.value; sent++; model.send_msg(read) }
  }
  box.value = model.text
  box.oninput = () => { clearTimeout(timer); mark(); timer = setTimeout(send, REST_MS) }
  card.querySelector("button").onclick = () => { box.value = ""; problem.textContent = ""; mark(); box.focus() }
  const show = () => { card.querySelector(".read").innerHTML = model.html; problem.textContent = model.problem }
  model.on(["html", "problem"], show)

  // The figures that were read are marked where they stand, on a sheet behind the text.
  const follow = () => { paper.scrollTop = box.scrollTop; paper.scrollLeft = box.scrollLeft }
  function mark() {
    paper.replaceChildren()
    if (box.value !== read || model.answered !== sent || model.problem || read.includes("\x1b")) return
    const byLine = Map.groupBy(model.spans, ([line]) => line)
    box.value.split("\n").forEach((line, i) => {
      let at = 0
      for (const [, from, to] of (byLine.get(i + 1) ?? []).sort((a, b) => a[1] - b[1])) {
        if (from < at) continue
        const chip = document.createElement("mark")
        chip.textContent = line.slice(from, to)
        paper.append(line.slice(at, from), chip)
        at = to
      }
      paper.append(line.slice(at) + "\n")
    })
    follow()
  }
  box.onscroll = follow
  model.on("answered", mark)
  mark()
  show()
  return card
}
