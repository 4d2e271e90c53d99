"""Bounded waits on conditions."""

import time
from collections.abc import Callable
from typing import Any

# Long enough for a loaded CI machine; what works is over in milliseconds.
PATIENCE = 15.0


def wait_until(condition: Callable[[], Any], what: str | Callable[[], str], within: float = PATIENCE) -> Any:
    """The first true value of `condition`; fails with `what` was waited for when there is none in time."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            missing = what() if callable(what) else what
            raise AssertionError(f"waited {within} s in vain for {missing}; last: {value!r}")
        time.sleep(0.02)
