"""What Crier is to reach, as data: each target names its figure, its limit and how the figure comes from the results."""

import dataclasses
from collections.abc import Callable

from results import Results

KILOBYTE = 1024
# A tool that used more of its core than this could not have read faster.
BUSY = 0.9


@dataclasses.dataclass(frozen=True)
class Target:
    scenario: str
    text: str
    limit: float
    figure: Callable[[Results], float | None]
    at_least: bool = False
    unit: str = ""
    # Says why the figure cannot be judged, or gives None.
    excuse: Callable[[Results], str | None] = lambda results: None

    def verdict(self, results):
        """`met`, `not met`, or why there is none."""
        value = self.figure(results)
        if value is None:
            return None, "not measured"
        is_met = value >= self.limit if self.at_least else value <= self.limit
        return value, "met" if is_met else self.excuse(results) or "**not met**"

    @property
    def bound(self):
        return f"{'≥' if self.at_least else '≤'} {self.limit:,g}{self.unit}"


CPU = "cpu_us_per_delivery"


def ratio(scenario, figure, server, other, **where):
    return lambda results: results.ratio(scenario, figure, server, other, **where)


def median(scenario, figure, server="crier", **where):
    return lambda results: results.median(scenario, server, figure, **where)


def against(scenario, figure, one, other):
    """The figure in one kind of case over that in another, both Crier's."""
    return lambda results: results.ratio_of(scenario, figure, {"server": "crier", **one}, {"server": "crier", **other})


def growth(large):
    """How much more a delivery costs with so many sockets than with 1,000, beyond what the floor itself grows."""

    def figure(results):
        ours = results.ratio_of(
            "fanout", CPU, {"server": "crier", "sockets": large}, {"server": "crier", "sockets": 1000}
        )
        floors = results.ratio_of(
            "fanout", CPU, {"server": "floor", "sockets": large}, {"server": "floor", "sockets": 1000}
        )
        return ours / floors if ours and floors else None

    return figure


def memory_ratio(figure, other):
    def value(results):
        one, two = results.median("flat", "crier", figure), results.median("flat", "crier", other)
        return one / two if one and two else None

    return value


def per_core(kind):
    def value(results):
        cost = results.median("publish", "crier", "cpu_us_per_publish", kind=kind)
        return 1e6 / cost if cost else None

    return value


def no_room(results):
    share = results.median("loops", "crier", "tool_cpu_share", threads=2)
    if share is None:
        return None
    # With two cores the second event loop and the tool have one between them.
    shares = results.median("loops", "crier", "server_cpu_share", threads=2) + share
    if share > BUSY:
        return f"cannot be told: the load tool used {share:.0%} of its core"
    if shares > results.facts.get("cores", 2) - 0.2:
        return f"cannot be told: no core was left (server {shares - share:.0%}, tool {share:.0%})"
    return None


SIZES = (1000, 10_000, 18_000)

TARGETS = [
    *(
        Target(
            "fanout",
            f"CPU a delivery, of the floor's; {size:,} sockets",
            1.05,
            ratio("fanout", CPU, "crier", "floor", sockets=size),
        )
        for size in SIZES
    ),
    *(
        Target(
            "fanout",
            f"CPU a delivery, of uWebSockets'; {size:,} sockets",
            1,
            ratio("fanout", CPU, "crier", "uws", sockets=size),
        )
        for size in SIZES
    ),
    *(
        Target(
            "fanout",
            f"deliveries/s, of uWebSockets'; {size:,} sockets",
            1,
            ratio("fanout", "deliveries_per_second", "crier", "uws", sockets=size),
            at_least=True,
        )
        for size in SIZES
    ),
    *(
        Target("fanout", f"growth of the cost from 1,000 to {size:,} sockets, of the floor's growth", 1.2, growth(size))
        for size in SIZES[1:]
    ),
    *(
        Target(
            "lone",
            f"CPU a delivery, of the floor's; {size:,} sockets",
            1.08,
            ratio("lone", CPU, "crier", "floor", sockets=size),
        )
        for size in SIZES[:2]
    ),
    Target("latency", "p99, of the floor's", 1.1, ratio("latency", "latency_ms_p99", "crier", "floor")),
    Target(
        "loops",
        "deliveries/s of two event loops, of one's",
        1.7,
        against("loops", "deliveries_per_second", {"threads": 2}, {"threads": 1}),
        at_least=True,
        excuse=no_room,
    ),
    *(
        Target(
            "starve",
            f"p99 of {what} while 10,000 sockets are written",
            50,
            median("starve", f"{probe}_ms_p99"),
            unit=" ms",
        )
        for probe, what in (
            ("handshake", "a new socket's handshake"),
            ("ping", "a ping's pong"),
            ("publish", "a publish's acknowledgement"),
        )
    ),
    Target("idle", "RSS an idle WebSocket", 2, lambda results: kilobytes(results, "ws"), unit=" KB"),
    Target("idle", "RSS an idle event stream", 3, lambda results: kilobytes(results, "sse"), unit=" KB"),
    Target("sse", "CPU a delivery over SSE, of WebSocket's", 1.3, against("sse", CPU, {"kind": "sse"}, {"kind": "ws"})),
    Target("flat", "RSS after 10 million deliveries, of that before them", 1.05, memory_ratio("rss_after", "rss_warm")),
    Target("flat", "RSS when all have left, of that before they came", 1.1, memory_ratio("rss_left", "rss_before")),
    Target(
        "connect",
        "sockets opened a second, of nchan's",
        0.6,
        ratio("connect", "connects_per_second", "crier", "nchan"),
        at_least=True,
    ),
    Target("herd", "10,000 are back and have their 100 alerts", 3, median("herd", "herd_seconds"), unit=" s"),
    *(
        Target(
            "topics",
            f"CPU a delivery with {topics:,} side topics, of that with one",
            1.2,
            against("topics", CPU, {"topics": topics}, {"topics": 1}),
        )
        for topics in (100, 10_000)
    ),
    *(
        Target(
            "slow",
            f"CPU a delivery with 1 % slow readers, of that with none; {size:,} sockets",
            1.2,
            against("slow", CPU, {"percent": 1, "sockets": size}, {"percent": 0, "sockets": size}),
        )
        for size in SIZES[:2]
    ),
    Target("publish", "publishes over HTTP, a second of CPU", 30_000, per_core("http"), at_least=True),
    Target("publish", "publishes over WebSockets, a second of CPU", 100_000, per_core("ws"), at_least=True),
]


def kilobytes(results, kind):
    value = results.median("idle", "crier", "bytes_per_socket", kind=kind)
    return value / KILOBYTE if value is not None else None
