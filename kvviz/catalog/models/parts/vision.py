"""What vision towers are built of."""

from typing import Final

from kvviz.catalog.models.fields import Config

COLOURS: Final = 3


def vit_blocks(
    depth: int, width: int, inner: int, *, gated: bool = False, bias: bool = True, norm: int = 2
) -> int:
    """Return the parameters of a tower's blocks: attention, MLP and two norms.

    ``norm`` is the numbers that a norm has for each channel, 2 with a bias.
    """
    mats = 4 * width**2 + (3 if gated else 2) * width * inner
    biases = (4 * width + (2 if gated else 1) * inner + width) * bias
    return depth * (mats + biases + 2 * norm * width)


def sizes(vision: Config, depth: str = "num_hidden_layers") -> tuple[int, int, int]:
    """Return the blocks, width and inner width of a tower."""
    return vision.whole(depth), vision.whole("hidden_size"), vision.whole("intermediate_size")


def patches(vision: Config) -> int:
    """Return the patches of an image along one side."""
    return vision.whole("image_size") // vision.whole("patch_size")
