"""The usual ways to write attention in PyTorch, by how many copies of the scores they hold."""

from kvviz.kernels.kernel import Backend, Kernel, Row
from kvviz.kernels.torch import peaks

WAYS = (
    ("one_line", "one line", "one expression: two score matrices", peaks.one_line),
    ("named", "every step named", "a name for every step: three score matrices", peaks.named),
    ("in_place", "all in place", "one score matrix, updated in place", peaks.in_place),
    (
        "hugging_face",
        "Hugging Face eager (fp32 softmax)",
        "as in transformers, softmax in fp32",
        peaks.hugging_face,
    ),
)
KERNELS = tuple(
    Kernel(
        name=name,
        label=label,
        note=note,
        task="prefill",
        backends=(
            Backend(
                "torch",
                f"kvviz.kernels.torch.eager:{name}",
                rows=(Row("memory"),),
                peak=peak,
            ),
        ),
        order=60 + place,
    )
    for place, (name, label, note, peak) in enumerate(WAYS)
)
