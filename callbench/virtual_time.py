"""An asyncio event loop whose clock jumps: nothing waits, and the same inputs give the same order of events.

When no callback is ready the loop's time moves to the next timer at once. Sockets do not exist here:
networks are in memory (``callbench.network``). Threads would break the promise, so the executor runs inline.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


class _JumpingSelector(selectors.SelectSelector):
    """Selects only what is ready now; tells the loop how far it may jump instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.jump: Callable[[float], None] = lambda seconds: None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("virtual time stands still: nothing is ready and no timer is armed")
            if timeout > 0:
                self.jump(timeout)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Starts at time 0; ``time()`` is virtual seconds."""

    def __init__(self) -> None:
        self._now = 0.0
        selector = _JumpingSelector()
        super().__init__(selector)
        selector.jump = self._jump
        self._clock_resolution = 1e-9

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now

    def _jump(self, seconds: float) -> None:
        self._now += seconds

    def run_in_executor(  # type: ignore[override]  # the typeshed's variadic form adds nothing here
        self, executor: Any, func: Any, *args: Any
    ) -> Any:
        """Run the job inline: virtual time has no threads."""
        future: asyncio.Future[Any] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


def run_virtual(main: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine from virtual second 0 to its end."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
