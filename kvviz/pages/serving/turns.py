"""A visitor's work, done outside the server's thread so that no other visitor waits."""

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Final, Protocol

# All visitors take turns, as more threads would share a core; reading, which takes longest, apart.
SIMULATOR: Final = ThreadPoolExecutor(1, "simulating")
READER: Final = ThreadPoolExecutor(1, "reading")


Work = Callable[[], Any]
Then = Callable[[Any], None]
Place = Callable[[Work, Then], None]  # where work is done; `Then` hears what it gave


class Page(Protocol):
    """What calls back under its own lock, from any thread; a Bokeh document does."""

    def add_next_tick_callback(self, callback: Callable[[], None]) -> object:
        """Call back soon, in the page's own thread."""


def at_once(work: Work, then: Then) -> None:
    """Do the work here and now."""
    then(work())


class Turns:
    """Does work in a thread, and hands the result to the page, as if the visitor had clicked.

    One piece at a time; of those that arrive meanwhile only the newest is done: it is what the
    visitor asks for now.

    Args:
        page: whose work it is.
        worker: does it.
    """

    def __init__(self, page: Page, worker: Executor) -> None:
        self._page, self._worker = page, worker
        self._busy = False
        self._newest: tuple[Work, Then] | None = None

    def __call__(self, work: Work, then: Then) -> None:
        """Do `work` in its turn; `then` hears what it gave, or nothing where newer work came."""
        if self._busy:
            self._newest = (work, then)
            return
        self._busy = True
        self._worker.submit(work).add_done_callback(partial(self._hand, then))

    def _hand(self, then: Then, done: Future[Any]) -> None:
        self._page.add_next_tick_callback(partial(self._end, then, done))

    def _end(self, then: Then, done: Future[Any]) -> None:
        self._busy, newest, self._newest = False, self._newest, None
        if newest:
            self(*newest)
        then(done.result())
