"""Which backend a hop goes to: a pure function of the backends, what is wished, and where the edge is."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from backends import Backend, State
from heads import Headers
from places import covers, distance


@dataclass(frozen=True)
class Wish:
    """What narrows the choice or orders it. `by` says whose wish it is, for the log."""

    by: str = ""
    instance: str | None = None
    prefer_instance: str | None = None
    regions: tuple[str, ...] = ()
    prefer_regions: tuple[str, ...] = ()
    not_instance: str | None = None
    pinned: str | None = None


class Candidate(NamedTuple):
    backend: Backend
    why: str


def client_wish(headers: Headers, pinned: str | None) -> Wish:
    """What a request's own headers ask for."""

    def regions(name: str) -> tuple[str, ...]:
        return tuple(code for code in (part.strip() for part in (headers.get(name) or "").split(",")) if code)

    return Wish(
        by="client",
        instance=headers.get("fly-force-instance-id"),
        prefer_instance=headers.get("fly-prefer-instance-id"),
        regions=regions("fly-force-region"),
        prefer_regions=regions("fly-prefer-region"),
        pinned=pinned,
    )


def candidates(backends: Iterable[Backend], wish: Wish, edge: str) -> list[Candidate]:
    """All that may be tried, the best first. A backend that is stopped is among them only where the wish names it or its region."""
    present = [backend for backend in backends if backend.state is not State.DESTROYED]
    near = sorted(
        (backend for backend in present if backend.state is State.STARTED and backend.id != wish.not_instance),
        key=lambda backend: (distance(edge, backend.region), backend.load, backend.id),
    )
    named = near + [backend for backend in present if backend.state is State.STOPPED and backend.id != wish.not_instance]

    chosen: dict[str, Candidate] = {}

    def take(those: Iterable[Backend], why: str) -> None:
        for backend in those:
            chosen.setdefault(backend.id, Candidate(backend, why))

    if wish.pinned is not None:
        take((backend for backend in present if backend.id == wish.pinned), "pinned")
    if wish.prefer_instance is not None:
        take((backend for backend in named if backend.id == wish.prefer_instance), f"{wish.by}: preferred instance")
    if wish.instance is not None:
        matching = (backend for backend in named if backend.id == wish.instance)
        take((backend for backend in matching if not wish.regions or _is_in(backend, wish.regions)), f"{wish.by}: instance")
    elif wish.regions:
        for name in wish.regions:
            take((backend for backend in named if covers(name, backend.region)), f"{wish.by}: region {name}")
    else:
        for name in wish.prefer_regions:
            take((backend for backend in named if covers(name, backend.region)), f"{wish.by}: preferred region {name}")
        take(near, "nearest, then least loaded")
    return list(chosen.values())


def _is_in(backend: Backend, regions: tuple[str, ...]) -> bool:
    return any(covers(name, backend.region) for name in regions)
