"""One visitor's kernels: what to run, the run itself in a process of its own, and its results."""

import asyncio
import json
import os
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import Any, Final

import panel as pn
import param

from kvviz.kernels.measuring.compare import DEVICES, DTYPES, Request, in_numpy
from kvviz.kernels.measuring.provenance import THREADS
from kvviz.kernels.measuring.recordings import recordings
from kvviz.kernels.records import on_page
from kvviz.pages.kit.session import PageSession

MOST_SECONDS: Final = 120
MOST_WAITING: Final = 8  # visitors in the queue
ONE_THREAD: Final = dict.fromkeys(THREADS, "1")
LINE_BYTES: Final = 2**24  # of one message of the process: the result is a single line
SIZES: Final = (16, 32, 64, 128, 256)
PROBLEM: Final = ("n", "d", "heads", "block")


class Queue:
    """The runs of all visitors of this server: one at a time, or they would disturb each other."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.waiting = 0


def devices() -> dict[str, str]:
    """Return this machine's devices by name; GPUs only if there is a driver."""
    found = {"numpy": DEVICES["numpy"]}
    if find_spec("torch"):
        found["torch"] = DEVICES["torch"]
        if Path("/dev/nvidia0").exists():
            found["cuda"] = DEVICES["cuda"]
    return found


def _choice(default: Any, among: Iterable[Any], label: str) -> param.Selector:
    return param.Selector(default=default, objects=list(among), label=label)


class KernelSession(PageSession):
    """What a visitor asks for, and the results on the page.

    Each kernel of the page is a setting by its name: whether it is run.
    """

    device = param.String(Request.device, label="Device", doc="device that runs the kernels")
    n = _choice(Request.n, (256, 512, 1024, 2048, 4096, 8192), "Tokens, n")
    d = _choice(Request.d, SIZES, "Head size, d")
    heads = _choice(Request.heads, (1, 2, 4, 8, 16, 32), "Heads")
    block = _choice(Request.block, (*SIZES, 512), "Block size")
    dtype = _choice(Request.dtype, dict.fromkeys(chain.from_iterable(DTYPES.values())), "Data type")
    result: dict[str, Any] = param.Dict(doc="results of the last run, or a recording's")
    busy = param.Boolean(False)
    doing = param.String("", doc="current stage of the run")
    share = param.Number(0.0, doc="fraction of the run that is done")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._task: asyncio.Task[Any] | None = None
        if self.result is None:
            self.result = next(r for r in recordings() if r["preset"] == "page")
        self.param.watch(self._fit_dtype, "device")

    @property
    def request(self) -> Request:
        """What would run now."""
        kernels = tuple(name for name in on_page() if getattr(self, name))
        return Request(self.device, self.n, self.d, self.heads, self.block, kernels, self.dtype)

    @property
    def recorded(self) -> bool:
        """Whether the results on the page are a recording's, not this visitor's."""
        return "name" in self.result

    async def run(self) -> None:
        """Run what is asked for, in turn; results, or the reason for none, go to the parameters."""
        if self.busy:
            return
        queue = pn.state.as_cached("kernel runs", Queue)
        if reason := self.request.refusal() or _full(queue):
            self.problem = reason
            return
        self._task = asyncio.current_task()
        self.param.update(busy=True, problem="", share=0.0, doing="waiting for an earlier run")
        queue.waiting += 1
        try:
            async with queue.turn:
                await asyncio.wait_for(self._measure(), MOST_SECONDS)
        except TimeoutError:
            self.problem = f"The run took longer than {MOST_SECONDS} s, the limit on this server"
        except asyncio.CancelledError:
            self.problem = ""
        finally:
            queue.waiting -= 1
            self._task = None
            self.param.update(busy=False, doing="")

    def cancel(self) -> None:
        """Stop the run, or leave the queue."""
        if self._task is not None:
            self._task.cancel()

    async def _measure(self) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "kvviz.kernels.measuring.compare"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=os.environ | ONE_THREAD,
            limit=LINE_BYTES,
        )
        try:
            await self._follow(process)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(vars(self.request)).encode())
        process.stdin.close()
        ended = "The run ended without a result, most likely because memory ran out"
        async for line in process.stdout:
            told = json.loads(line)
            if "doing" in told:
                self.param.update(doing=told["doing"], share=told["share"])
                continue
            with pn.io.hold():  # everything that shows the results changes at once
                self.param.update({n: told[n] for n in ("result", "problem") if n in told})
            ended = ""
        if ended:
            self.problem = ended

    def _fit_dtype(self, *_events: Any) -> None:
        if self.dtype not in DTYPES[self.device]:
            self.dtype = DTYPES[self.device][0]


for _name, _kernel in on_page().items():
    _chosen = param.Boolean(_name in in_numpy(), label=_kernel.label, doc=_kernel.note)
    KernelSession.param.add_parameter(_name, _chosen)


def _full(queue: Queue) -> str:
    if queue.waiting < MOST_WAITING:
        return ""
    return f"{MOST_WAITING} runs are already waiting, the most that this server queues"
