"""The machines behind the proxy: where each is, whether it may be chosen, and which faults lie on the way to it."""

import asyncio
import enum
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from limits import MAX_BACKENDS, MAX_LATENCY_SECONDS, MAX_PINS
from wire import Wire

ID = re.compile(r"[0-9a-z]{1,64}")
REGION = re.compile(r"[a-z]{2,8}")


class State(enum.StrEnum):
    STARTED = "started"
    # Chosen only where a replay or the client names it, which starts it.
    STOPPED = "stopped"
    # Never chosen; what is connected stays.
    CORDONED = "cordoned"
    # Gone; its id may be added again.
    DESTROYED = "destroyed"


class TableError(Exception):
    """A change that the table cannot make. `status` is HTTP's."""

    def __init__(self, status: int, reason: str):
        super().__init__(reason)
        self.status = status


@dataclass(eq=False)
class Backend:
    id: str
    region: str
    host: str
    port: int
    state: State = State.STARTED
    latency: float = 0.0
    attached: set[Wire] = field(default_factory=set)
    _passable: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._passable.set()

    @property
    def load(self) -> int:
        return len(self.attached)

    @property
    def is_black_hole(self) -> bool:
        return not self._passable.is_set()

    def set_black_hole(self, on: bool) -> None:
        if on:
            self._passable.clear()
        else:
            self._passable.set()

    async def cross(self) -> None:
        """Takes as long as a connection attempt or a piece of data takes to pass: for ever where the backend is a black hole."""
        await self._passable.wait()
        if self.latency > 0:
            await asyncio.sleep(self.latency)

    def drop_connections(self) -> None:
        """Resets them. Their clients are reset in turn by those who relay."""
        for wire in list(self.attached):
            wire.reset()

    def summary(self) -> dict:
        return {
            "id": self.id,
            "region": self.region,
            "host": self.host,
            "port": self.port,
            "state": str(self.state),
            "latency_ms": round(self.latency * 1000),
            "black_hole": self.is_black_hole,
            "connections": self.load,
        }


class BackendTable:
    """All backends, the edge's region, and the backends that the next requests are pinned to. It lives on one event loop."""

    def __init__(self, edge: str):
        self._backends: dict[str, Backend] = {}
        self._pins: deque[str] = deque()
        self.set_edge(edge)

    def __iter__(self) -> Iterator[Backend]:
        return iter(self._backends.values())

    def set_edge(self, region: object) -> None:
        if not isinstance(region, str) or not REGION.fullmatch(region):
            raise TableError(400, "a region is two to eight lower-case letters")
        self.edge = region

    def add(self, identifier: object, region: object, port: object, host: object = "127.0.0.1", state: object = State.STARTED) -> Backend:
        if not isinstance(identifier, str) or not ID.fullmatch(identifier):
            raise TableError(400, "an id is 1 to 64 lower-case letters and digits")
        if not isinstance(region, str) or not REGION.fullmatch(region):
            raise TableError(400, "a region is two to eight lower-case letters")
        if not isinstance(host, str) or not host:
            raise TableError(400, "a host is a name or an address")
        if state not in tuple(State):
            raise TableError(400, f"a state is one of {', '.join(State)}")
        present = self._backends.get(identifier)
        if present is not None and present.state is not State.DESTROYED:
            raise TableError(409, f"{identifier} is there already")
        if present is None and len(self._backends) >= MAX_BACKENDS:
            raise TableError(409, f"there are {MAX_BACKENDS} backends already")
        backend = Backend(identifier, region, host, checked_port(port), State(state))
        self._backends[identifier] = backend
        return backend

    def find(self, identifier: str) -> Backend:
        backend = self._backends.get(identifier)
        if backend is None or backend.state is State.DESTROYED:
            raise TableError(404, f"no backend {identifier}")
        return backend

    def move(self, identifier: str, state: State) -> None:
        self.find(identifier).state = state

    def kill(self, identifier: str) -> None:
        """Resets the backend's connections and leaves its state: what comes next is connected anew."""
        self.find(identifier).drop_connections()

    def restart(self, identifier: str, port: object) -> None:
        backend = self.find(identifier)
        backend.port = checked_port(port)
        backend.drop_connections()
        backend.state = State.STARTED

    def destroy(self, identifier: str) -> None:
        backend = self.find(identifier)
        backend.state = State.DESTROYED
        backend.drop_connections()

    def delay(self, identifier: str, milliseconds: object) -> None:
        backend = self.find(identifier)
        if isinstance(milliseconds, bool) or not isinstance(milliseconds, (int, float)) or not 0 <= milliseconds <= MAX_LATENCY_SECONDS * 1000:
            raise TableError(400, f"a latency is 0 to {MAX_LATENCY_SECONDS * 1000:.0f} milliseconds")
        backend.latency = milliseconds / 1000

    def black_hole(self, identifier: str, on: object) -> None:
        if not isinstance(on, bool):
            raise TableError(400, "on is true or false")
        self.find(identifier).set_black_hole(on)

    def pin(self, identifier: object, count: object = 1) -> None:
        """The first hop of the next `count` requests tries this backend before any other, whatever its state."""
        if not isinstance(identifier, str):
            raise TableError(400, "an id is missing")
        self.find(identifier)
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAX_PINS - len(self._pins):
            raise TableError(400, f"at most {MAX_PINS} requests can be pinned")
        self._pins.extend([identifier] * count)

    def take_pin(self) -> str | None:
        return self._pins.popleft() if self._pins else None

    def summary(self) -> dict:
        return {"edge": self.edge, "pins": list(self._pins), "backends": [backend.summary() for backend in self]}


def checked_port(port: object) -> int:
    if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65535:
        raise TableError(400, "a port is 1 to 65535")
    return port
