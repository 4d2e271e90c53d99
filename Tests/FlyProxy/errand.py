"""What a hop is for, and which errand follows from a replay or from nobody being reached, apart from all I/O."""

import time
from dataclasses import dataclass, field, replace

from backends import Backend
from choice import Wish
from heads import ResponseHead
from refusal import Refusal
from replay import JSON_TYPE, Replay, ReplayError, parse_header, parse_json


@dataclass(frozen=True)
class ReplayRules:
    """Which application this is, and at which statuses an answer with `fly-replay` is a replay: `any`, `only-101` or `not-101`."""

    app: str
    statuses: str

    def counts(self, status: int) -> bool:
        return self.statuses == "any" or (self.statuses == "only-101") == (status == 101)

    def instruction(self, answer: ResponseHead) -> str | None:
        """The value of the answer's `fly-replay`; empty where the answer's body has it; None where the answer is the client's."""
        if not self.counts(answer.status):
            return None
        values = answer.headers.all("fly-replay")
        if len(values) > 1:
            # It cannot be parsed, so it is refused where every malformed instruction is.
            return ",".join(values)
        if values:
            return values[0] or ";"
        kind = (answer.headers.get("content-type") or "").partition(";")[0].strip().lower()
        return "" if kind == JSON_TYPE and answer.status != 101 else None

    def parsed(self, instruction: str, body: bytes) -> Replay:
        """Refuses what is malformed or for another application."""
        try:
            wanted = parse_header(instruction) if instruction else parse_json(body)
        except ReplayError as error:
            raise Refusal(502, f"the replay is malformed: {error}") from None
        if wanted.app not in (None, self.app):
            raise Refusal(502, f"there is no app {wanted.app}")
        return wanted


@dataclass
class Errand:
    """What the next hop is for: where it may go, what its head says more, and what follows if nobody is reached."""

    wish: Wish
    extra: list[tuple[str, str]] = field(default_factory=list)
    replay: Replay | None = None
    source: Backend | None = None
    is_fallback: bool = False

    def after_failure(self, reason: str, seconds: float) -> "Errand":
        """The way back to whom the replay came from, where it asked for one."""
        if self.replay is None or self.replay.fallback is None or self.source is None or self.is_fallback:
            raise Refusal(502, f"no backend could be reached: {reason}")
        said = {
            "instance": self.replay.instance or self.replay.prefer_instance,
            "app": self.replay.app,
            "region": ",".join(self.replay.regions),
            "replay_source": self.source.id,
            "reason": reason,
            "elapsed_ms": str(round(seconds * 1000)),
        }
        forced = self.replay.fallback == "force_self"
        wish = Wish("fallback", instance=self.source.id) if forced else Wish("fallback", prefer_instance=self.source.id)
        failed = ";".join(f"{name}={value}" for name, value in said.items() if value)
        return replace(self, wish=wish, extra=[("fly-replay-failed", failed)], is_fallback=True)


def replay_errand(wanted: Replay, source: Backend) -> Errand:
    """The hop that this backend asked for."""
    state = "" if wanted.state is None else f";state={wanted.state}"
    origin = f"instance={source.id};region={source.region};t={time.time_ns() // 1000}{state}"
    wish = Wish(
        by="replay",
        instance=wanted.instance,
        prefer_instance=wanted.prefer_instance,
        regions=wanted.regions,
        not_instance=source.id if wanted.elsewhere else None,
    )
    return Errand(wish, [("fly-replay-src", origin)], wanted, source)
