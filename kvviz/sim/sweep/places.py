"""Where cells are computed: processes of this machine, or a Dask cluster."""

import concurrent.futures as cf
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from kvviz.sim.sweep.sentence import SweepError

Future = Any  # of `concurrent.futures` or of Dask: both have `result()`
CONNECT_SECONDS = 10  # for a scheduler to answer
WORKER_SECONDS = 60  # for a first worker to come, or another when all are gone
ASK_SECONDS = 2  # between two looks at what is done: a dead worker's cells may not be told of
PAUSE_SECONDS = 0.05  # before another look


@dataclass(frozen=True, slots=True)
class Crew:
    """Processes that compute.

    Args:
        submit: takes a function and its argument, and returns a future.
        wait: takes futures, and returns those of them that are done, at least one.
    """

    submit: Callable[..., Future]
    wait: Callable[[Collection[Future]], Collection[Future]]


Place = Callable[[], AbstractContextManager[Crew]]


def local_processes(jobs: int) -> Place:
    """Return `jobs` processes of this machine.

    Raises:
        SweepError: one of them was killed.
    """
    return partial(_processes, jobs)


def dask_cluster(address: str) -> Place:
    """Return the workers of a Dask scheduler; cells of workers that die are computed by others.

    Raises:
        SweepError: Dask is not installed, nobody answers, all workers are gone, or they have no
            kvviz.
    """
    return partial(_cluster, address)


@contextmanager
def _processes(jobs: int) -> Iterator[Crew]:
    context = multiprocessing.get_context("spawn")
    pool = cf.ProcessPoolExecutor(jobs, context, initializer=_end_with_parent)
    try:
        yield Crew(pool.submit, lambda futures: cf.wait(futures, None, cf.FIRST_COMPLETED).done)
    except BrokenProcessPool:
        raise SweepError(
            "a worker process was killed; the same command resumes the sweep"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """End this process when the sweep is killed, instead of waiting for work for ever."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        if parent:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _cluster(address: str) -> Iterator[Crew]:
    distributed = _distributed()
    try:
        client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError):
        raise SweepError(f"no Dask scheduler answers at {address}") from None
    closed = import_module("distributed.comm").CommClosedError
    lost = (distributed.KilledWorker, distributed.CancelledError, closed, TimeoutError)
    try:
        _expect_workers(client, address)
        # Not pure: a cell is computed now, not taken from what the scheduler still knows.
        yield Crew(partial(client.submit, pure=False), partial(_wait, client, address))
    except ModuleNotFoundError as error:
        raise SweepError(
            f"a worker of {address} has no {error.name}; expected the same packages as here"
        ) from None
    except lost as error:
        raise SweepError(
            f"the cluster at {address} gave up on a cell ({type(error).__name__}); "
            f"the same command resumes the sweep"
        ) from None
    finally:
        client.close(timeout=CONNECT_SECONDS)


def _expect_workers(client: Any, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=WORKER_SECONDS)
    except TimeoutError:
        raise SweepError(f"the Dask scheduler at {address} has no workers") from None


def _wait(client: Any, address: str, futures: Collection[Future]) -> Collection[Future]:
    look = partial(_distributed().wait, timeout=ASK_SECONDS, return_when="FIRST_COMPLETED")
    while True:
        try:
            with client.as_current():
                look(list(futures))
        except TimeoutError:  # long cells, or nobody there to compute them
            if client.status != "running":
                raise SweepError(f"the Dask scheduler at {address} no longer answers") from None
            _expect_workers(client, address)
        # Dask counts a result that died with its worker as done; it is computed again.
        if done := [future for future in futures if future.status not in ("pending", "lost")]:
            return done
        time.sleep(PAUSE_SECONDS)


def _distributed() -> Any:
    try:
        return import_module("distributed")
    except ImportError:
        raise SweepError("a Dask cluster needs distributed: install kvviz[sweep]") from None
