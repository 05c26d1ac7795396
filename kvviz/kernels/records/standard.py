"""Attention that holds all scores at once, in place and with a new array for every step."""

from kvviz.kernels.kernel import Backend, Kernel, Row
from kvviz.kernels.numpy import cost
from kvviz.kernels.numpy.standard import standard_attention
from kvviz.kernels.numpy.textbook import textbook_attention
from kvviz.kernels.torch import peaks

KERNELS = (
    Kernel(
        name="textbook",
        label="Textbook",
        note="a new array for every step: three score matrices",
        task="prefill",
        backends=(
            Backend(
                "numpy",
                textbook_attention,
                rows=(
                    Row("report", "standard, as written"),
                    Row("report fit", "standard, as written"),
                    Row("memory", "NumPy textbook, an array a step"),
                ),
            ),
        ),
        cost=lambda inputs: cost.textbook(cost.sizes(inputs)),
        order=10,
    ),
    Kernel(
        name="standard",
        label="Standard",
        note="whole n × n score matrix",
        task="prefill",
        backends=(
            Backend(
                "numpy",
                standard_attention,
                rows=(
                    Row("report", "standard, in place"),
                    Row("prefill", "NumPy standard"),
                    Row("memory", "NumPy standard, in place"),
                    Row("page"),
                ),
            ),
            Backend(
                "torch",
                "kvviz.kernels.torch.attention:standard_attention",
                rows=(Row("prefill", "torch eager"), Row("page")),
                peak=peaks.standard,
            ),
        ),
        cost=lambda inputs: cost.standard(cost.sizes(inputs)),
        order=20,
    ),
)
