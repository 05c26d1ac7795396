// A drop zone by itself: the file's bytes arrive as a message.
export function render({model}) {
  return dropzone((bytes) => model.send_msg(bytes), model.limit)
}
