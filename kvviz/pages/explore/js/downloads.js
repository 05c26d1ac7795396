// Saves the table: asks for it when a button is pressed, and takes what comes as a file.
const ICON = '<svg width="16" height="16" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="M8 2v8M4.8 7L8 10.2 11.2 7M2.5 13.5h11"/></svg>'

export function render({model}) {
  const box = document.createElement("div")
  box.className = "downloads"
  box.innerHTML = ["csv", "parquet"].map((form) => `<button data-form="${form}" aria-label="Table as ${form === "csv" ? "CSV" : "Parquet"}">${ICON}<span>${form === "csv" ? "CSV" : "Parquet"}</span></button>`).join("")
  for (const button of box.children) button.onclick = () => model.send_msg(button.dataset.form)
  model.on("msg:custom", ({name, content}) => {
    const link = document.createElement("a")
    link.href = URL.createObjectURL(new Blob([content]))
    link.download = name
    link.click()
    URL.revokeObjectURL(link.href)
  })
  return box
}
