"""How fast every cell decodes: the roofline of one step, under each GPU's efficiencies."""

import numpy as np

from kvviz.atlas.axes import Array, Axes, Columns, spread
from kvviz.atlas.held import Held
from kvviz.catalog.measured.recordings import efficiency
from kvviz.cost.roofline import step_flops, together, work_of
from kvviz.memory.kv import lengths
from kvviz.settings.scenario import as_set
from kvviz.units import GB


def rates(held: Held) -> Columns:
    """Return the work and time of a step that computes one token of every sequence.

    NaN where the GPU's rate or its power is not known.
    """
    axes, workload, gpus = held.axes, held.axes.workload, spread(held.axes.tps, "t")
    flops = spread(_flops(axes), "mc") / gpus
    moved = spread(_weights(held), "mtd") + spread(_cache(held), "mtdc")
    compute = flops / (_peaks(axes) * _share(axes, "mfu"))
    bandwidth = spread([gpu.bandwidth_gb_s * GB for gpu in axes.gpus], "g")
    memory = moved / (bandwidth * _share(axes, "mbu"))
    besides = spread([efficiency(gpu).overhead_s for gpu in axes.gpus], "g")
    seconds = together(compute, memory) + besides
    rate = workload.batch / seconds
    watts = spread([gpu.tdp_w or np.nan for gpu in axes.gpus], "g") * gpus
    return {
        "decode_flops": flops,
        "decode_bytes": moved,
        "decode_seconds": seconds,
        "decode_compute_share": compute / seconds,
        "decode_memory_share": memory / seconds,
        "tokens_per_second": rate,
        "tokens_per_second_per_watt": rate / watts,
    }


def _share(axes: Axes, name: str) -> Array:
    """Return a rate's share: as set, else what is known of each GPU."""
    own = as_set(axes.workload, name)
    return spread(
        [getattr(efficiency(gpu), name) if own is None else own for gpu in axes.gpus], "g"
    )


def _flops(axes: Axes) -> list[Array]:
    """Return the operations of a step on all GPUs, by model and context."""
    context = lengths(np.array(axes.contexts), axes.workload.batch, 0.0)
    new = np.ones_like(context)
    return [step_flops(work_of(m, 1, "native", "auto"), new, context) for m in axes.models]


def _weights(held: Held) -> Array:
    """Return the bytes of weights that one GPU reads, shape (models, sizes, dtypes)."""
    axes, tokens = held.axes, np.array(held.axes.workload.batch)
    read = np.ones((len(axes.models), len(axes.tps), len(axes.dtypes)))
    for m, t in np.argwhere(held.valid).tolist():
        for d, dtypes in enumerate(axes.dtypes):
            work = work_of(axes.models[m], axes.tps[t], *dtypes)
            read[m, t, d] = work.weight_bytes(tokens)
    return read


def _cache(held: Held) -> Array:
    """Return the bytes of cache and state that one GPU moves: (models, sizes, dtypes, contexts)."""
    batch, windows = held.axes.workload.batch, np.array(held.windows)[:, None]
    tokens = batch * (np.minimum(held.axes.contexts, windows) + 1)  # read, and the new one written
    state = 2 * batch * held.state[:, 1:]
    cached = np.einsum("mtdw,wc->mtdc", held.cached[:, 1:], tokens)
    moved: Array = cached + state[:, :, None, None]
    return moved


def _peaks(axes: Axes) -> Array:
    peaks = [[gpu.peak_flops(m.dtype) or np.nan for gpu in axes.gpus] for m in axes.models]
    return spread(peaks, "mg")
