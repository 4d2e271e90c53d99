"""What is run: for each scenario its servers, its cases and how often."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    # Kept with the results, so that tables and targets find the runs.
    facts: dict
    # The load tool's.
    arguments: tuple
    servers: tuple
    threads: int = 1
    protocol: str | None = None
    # Bytes of text at every server; None: as many as make all frames equally long.
    text: int | None = None
    # Of the server, besides what it is started with.
    environment: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    cases: list
    rounds: int


ALL = ("crier", "floor", "floor-unjoined", "uws", "nats", "nchan", "ws")
FASTEST = ("crier", "floor", "uws")
VM = "148e21ea7d9789"


def arguments(**options):
    """`in_flight=8` as `--in-flight 8`; True as the bare word; None is left out."""
    words = []
    for name, value in options.items():
        if value is None:
            continue
        words.append("--" + name.replace("_", "-"))
        if value is not True:
            words.append(str(value))
    return tuple(words)


def sized(sizes, servers, seconds, **options):
    return [
        Case(f"{size:,} sockets", {"sockets": size}, arguments(sockets=size, seconds=seconds, **options), servers)
        for size in sizes
    ]


def scenarios(quick):
    seconds = 2 if quick else 4
    rounds = 1 if quick else 3
    sizes = [1000, 10_000] if quick else [1000, 10_000, 18_000]
    middle, large = 10_000, 10_000 if quick else 18_000
    # Long enough for Crier's heartbeat to come by.
    idle = 2 if quick else 20

    return [
        Scenario("fanout", "8 alerts in flight", sized(sizes, ALL, seconds, in_flight=8), rounds),
        Scenario("deep", "64 alerts in flight", sized([1000, middle], FASTEST, seconds, in_flight=64), rounds),
        Scenario(
            "lone", "1 alert in flight: one alert a write", sized([1000, middle], FASTEST, seconds, in_flight=1), rounds
        ),
        Scenario("latency", "50 alerts a second, open loop", sized([1000], FASTEST, seconds + 2, rate=50), rounds),
        Scenario(
            "loops",
            "one event loop and two",
            [
                Case(
                    f"THREADS={threads}",
                    {"threads": threads},
                    arguments(sockets=middle, seconds=seconds, in_flight=8),
                    ("crier",),
                    threads=threads,
                )
                for threads in (1, 2)
            ],
            rounds,
        ),
        Scenario(
            "starve",
            "what others feel meanwhile",
            sized([middle], FASTEST, seconds * 2, in_flight=8, probes=True),
            rounds,
        ),
        Scenario(
            "idle",
            "memory of idle sockets",
            [
                Case(
                    "WebSocket",
                    {"kind": "ws"},
                    arguments(sockets=large, seconds=0, settle=idle),
                    tuple(key for key in ALL if key != "floor-unjoined"),
                ),
                Case(
                    "SSE",
                    {"kind": "sse"},
                    arguments(sockets=middle, seconds=0, settle=idle),
                    ("crier",),
                    protocol="crier-sse",
                ),
            ],
            1,
        ),
        Scenario(
            "sse",
            "event streams beside WebSockets",
            [
                Case("WebSocket", {"kind": "ws"}, arguments(sockets=middle, seconds=seconds, in_flight=8), ("crier",)),
                Case(
                    "SSE",
                    {"kind": "sse"},
                    arguments(sockets=middle, seconds=seconds, in_flight=8),
                    ("crier",),
                    protocol="crier-sse",
                ),
            ],
            rounds,
        ),
        Scenario(
            "flat",
            "memory over many alerts, and after all have left",
            [
                Case(
                    f"{large:,} sockets",
                    {"sockets": large},
                    arguments(
                        sockets=large,
                        deliveries=2_000_000 if quick else 10_000_000,
                        in_flight=8,
                        warm_up=1,
                        settle=2,
                        leave=True,
                    ),
                    ("crier",),
                ),
            ],
            1,
        ),
        Scenario(
            "connect",
            "handshakes",
            sized([middle], ("crier", "nchan", "uws", "floor"), 0),
            rounds,
        ),
        Scenario(
            "herd",
            "all come back at once with 100 alerts to catch up on",
            [
                Case(
                    f"{middle:,} sockets",
                    {"sockets": middle},
                    arguments(sockets=middle, since_herd=100, handshakes=2000, settle=1),
                    ("crier",),
                )
            ],
            rounds,
        ),
        Scenario(
            "topics",
            "each reader follows one more topic",
            [
                Case(
                    f"{count:,} side topics",
                    {"topics": count},
                    arguments(sockets=middle, seconds=seconds, in_flight=8, side_topics=count),
                    ("crier",),
                )
                for count in (1, 100, 10_000)
            ],
            rounds,
        ),
        Scenario(
            "slow",
            "readers that do not read",
            [
                Case(
                    f"{percent} % slow of {size:,}",
                    {"sockets": size, "percent": percent},
                    arguments(sockets=size, seconds=seconds, in_flight=8, slow_percent=percent or None),
                    ("crier",),
                )
                for size in (1000, middle)
                for percent in (0, 1)
            ],
            rounds,
        ),
        Scenario(
            "publish",
            "publishing that nobody reads",
            [
                Case(
                    "HTTP, 64 connections",
                    {"kind": "http"},
                    arguments(publish_only="http", publishers=64, seconds=seconds),
                    ("crier", "nchan", "hummingbird"),
                    text=100,
                ),
                Case(
                    "WebSocket, 4 sockets",
                    {"kind": "ws"},
                    arguments(publish_only="ws", publishers=4, seconds=seconds),
                    ("crier",),
                    text=100,
                ),
            ],
            rounds,
        ),
        Scenario(
            "affinity",
            "what the check of the right VM costs a request",
            [
                Case(
                    name,
                    {"affinity": name},
                    arguments(publish_only="http", publishers=64, seconds=seconds, header=header),
                    ("crier",),
                    text=100,
                    environment={"AFFINITY": affinity, "FLY_ALLOC_ID": VM, "FLY_REGION": "ams"},
                )
                for name, affinity, header in (
                    ("off", "off", None),
                    ("on, no VM named", "on", None),
                    ("off, with a cookie", "off", f"Cookie: crier_vm={VM}"),
                    ("on, this VM named by cookie", "on", f"Cookie: crier_vm={VM}"),
                )
            ],
            rounds * 2,
        ),
    ]
