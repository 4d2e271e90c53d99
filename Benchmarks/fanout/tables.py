"""The tables, in Markdown."""

from servers import SERVERS
from targets import BUSY, CPU, TARGETS


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def number(value, form="{:,.2f}", none="–"):
    return none if value is None else form.format(value)


def cases(results, scenario, key):
    """The values of a fact that were run, in the order in which they were."""
    return list(dict.fromkeys(run["case"][key] for run in results.runs(scenario) if key in run["case"]))


def servers(results, scenario):
    ran = {run["server"] for run in results.runs(scenario)}
    return [key for key in SERVERS if key in ran]


def faults(results, scenario, server):
    return f"{results.faults(scenario, server):,}"


def fan_out(results, scenario):
    """CPU a delivery and rate beside the floor's and uWebSockets', for each number of sockets."""
    rows = []
    for size in cases(results, scenario, "sockets"):
        for key in servers(results, scenario):
            where = {"sockets": size}
            rows.append(
                [
                    f"{size:,}",
                    title(key),
                    number(results.median(scenario, key, CPU, **where)),
                    number(results.ratio(scenario, CPU, key, "floor", **where), "{:.2f} ×"),
                    number(results.ratio(scenario, CPU, key, "uws", **where), "{:.2f} ×"),
                    number(results.median(scenario, key, "deliveries_per_second", **where), "{:,.0f}"),
                    number(results.ratio(scenario, "deliveries_per_second", key, "uws", **where), "{:.2f} ×"),
                    number(results.median(scenario, key, "alerts_per_receive", **where), "{:.1f}"),
                    number(results.median(scenario, key, "latency_ms_p99", **where), "{:,.1f}"),
                    number(results.median(scenario, key, "tool_cpu_share", **where), "{:.0%}"),
                    faults(results, scenario, key),
                ]
            )
    head = [
        "sockets",
        "server",
        "µs a delivery",
        "of the floor's",
        "of uWebSockets'",
        "deliveries/s",
        "of uWebSockets'",
        "alerts a receive",
        "p99 ms",
        "tool's CPU",
        "faults",
    ]
    return table(head, rows)


def title(key):
    return f"**{SERVERS[key].title}**" if key == "crier" else SERVERS[key].title


def latency(results):
    rows = [
        [
            title(key),
            *(number(results.median("latency", key, f"latency_ms_{part}"), "{:.2f}") for part in ("p50", "p99", "max")),
            number(results.ratio("latency", "latency_ms_p99", key, "floor"), "{:.2f} ×"),
            faults(results, "latency", key),
        ]
        for key in servers(results, "latency")
    ]
    return table(["server", "p50 ms", "p99 ms", "max ms", "p99 of the floor's", "faults"], rows)


def loops(results):
    rows = [
        [
            str(threads),
            *(
                number(results.median("loops", "crier", figure, threads=threads), form)
                for figure, form in (
                    ("deliveries_per_second", "{:,.0f}"),
                    (CPU, "{:.2f}"),
                    ("server_cpu_share", "{:.0%}"),
                    ("tool_cpu_share", "{:.0%}"),
                )
            ),
            "yes" if (results.median("loops", "crier", "tool_cpu_share", threads=threads) or 0) > BUSY else "no",
        ]
        for threads in cases(results, "loops", "threads")
    ]
    return table(
        [
            "event loops",
            "deliveries/s",
            "µs a delivery",
            "server's CPU",
            "load tool's CPU",
            "the tool was the bottleneck",
        ],
        rows,
    )


def starve(results):
    kinds = (("handshake", "new socket"), ("ping", "ping → pong"), ("publish", "publish → acknowledgement"))
    rows = [
        [
            title(key),
            *(
                number(results.median("starve", key, f"{kind}_ms_{part}"), "{:.1f}")
                for kind, _ in kinds
                for part in ("p50", "p99")
            ),
            number(results.median("starve", key, "deliveries_per_second"), "{:,.0f}"),
            faults(results, "starve", key),
        ]
        for key in servers(results, "starve")
    ]
    head = [f"{name}: {part} ms" for _, name in kinds for part in ("p50", "p99")]
    return table(["server", *head, "deliveries/s", "faults"], rows)


def idle(results):
    rows = []
    for kind, name in (("ws", "WebSockets"), ("sse", "event streams")):
        for key in servers(results, "idle"):
            runs = results.runs("idle", key, kind=kind)
            if runs:
                rows.append(
                    [
                        title(key),
                        f"{runs[0]['sockets']:,} {name}",
                        number(results.median("idle", key, "bytes_per_socket", kind=kind), "{:,.0f}"),
                    ]
                )
    return table(["server", "idle", "bytes of RSS each"], rows)


def by_case(results, scenario, key, name):
    def value(case, figure, form):
        return number(results.median(scenario, "crier", figure, **{key: case}), form)

    return table(
        [name, "µs a delivery", "deliveries/s", "alerts a receive", "p99 ms", "bytes a delivery", "faults"],
        [
            [
                {"ws": "WebSocket", "sse": "SSE"}.get(case, f"{case:,}" if isinstance(case, int) else str(case)),
                value(case, CPU, "{:.2f}"),
                value(case, "deliveries_per_second", "{:,.0f}"),
                value(case, "alerts_per_receive", "{:.1f}"),
                value(case, "latency_ms_p99", "{:.0f}"),
                value(case, "bytes_per_delivery", "{:.0f}"),
                faults(results, scenario, "crier"),
            ]
            for case in cases(results, scenario, key)
        ],
    )


def slow(results):
    rows = []
    for size in cases(results, "slow", "sockets"):
        for percent in cases(results, "slow", "percent"):
            where = {"sockets": size, "percent": percent}
            rows.append(
                [
                    f"{size:,}",
                    f"{percent} %",
                    number(results.median("slow", "crier", CPU, **where)),
                    number(results.median("slow", "crier", "deliveries_per_second", **where), "{:,.0f}"),
                    faults(results, "slow", "crier"),
                ]
            )
    return table(
        ["sockets", "of them slow", "µs a delivery to the others", "deliveries/s", "faults of the others"], rows
    )


def flat(results):
    def megabytes(figure):
        value = results.median("flat", "crier", figure)
        return number(value / 1e6 if value else None, "{:.1f} MB")

    return table(
        [
            "before any socket",
            "sockets idle",
            "before the deliveries",
            "after the deliveries",
            "all have left",
            "deliveries",
        ],
        [
            [
                *map(megabytes, ("rss_before", "rss_idle", "rss_warm", "rss_after", "rss_left")),
                number(results.median("flat", "crier", "deliveries"), "{:,.0f}"),
            ]
        ],
    )


def connect(results):
    rows = [
        [
            title(key),
            number(results.median("connect", key, "connects_per_second"), "{:,.0f}"),
            number(results.ratio("connect", "connects_per_second", key, "nchan"), "{:.2f} ×"),
            number(results.median("connect", key, "cpu_us_per_connect"), "{:.1f}"),
            number(results.median("connect", key, "tool_cpu_share_connecting"), "{:.0%}"),
        ]
        for key in servers(results, "connect")
    ]
    return table(["server", "sockets/s", "of nchan's", "server CPU µs each", "load tool's CPU"], rows)


def herd(results):
    figures = (
        ("herd_open_seconds", "{:.2f}"),
        ("herd_seconds", "{:.2f}"),
        ("server_cpu_share", "{:.0%}"),
        ("tool_cpu_share", "{:.0%}"),
    )
    row = [number(results.median("herd", "crier", figure), form) for figure, form in figures]
    return table(
        ["all connected after s", "all have everything after s", "server's CPU", "load tool's CPU", "faults"],
        [row + [faults(results, "herd", "crier")]],
    )


def publish(results):
    rows = []
    for kind, name in (("http", "HTTP POST, 64 connections"), ("ws", "WebSocket, 4 × 1,000 unanswered")):
        for key in servers(results, "publish"):
            if not results.runs("publish", key, kind=kind):
                continue
            cost = results.median("publish", key, "cpu_us_per_publish", kind=kind)
            rows.append(
                [
                    title(key),
                    name,
                    number(results.median("publish", key, "publishes_per_second", kind=kind), "{:,.0f}"),
                    number(cost, "{:.1f}"),
                    number(1e6 / cost if cost else None, "{:,.0f}"),
                    number(results.median("publish", key, "tool_cpu_share", kind=kind), "{:.0%}"),
                ]
            )
    return table(
        ["server", "publishing", "publishes/s", "server CPU µs each", "a second of CPU", "load tool's CPU"], rows
    )


def affinity(results):
    def cost(name):
        return results.median("affinity", "crier", "cpu_us_per_publish", affinity=name)

    rows = []
    for name in cases(results, "affinity", "affinity"):
        base = cost("off, with a cookie" if "cookie" in name else "off")
        value = cost(name)
        added = value - base if value and base else None
        rows.append(
            [
                name,
                number(value),
                number(added, "{:+.2f}"),
                number(results.median("affinity", "crier", "publishes_per_second", affinity=name), "{:,.0f}"),
            ]
        )
    return table(["affinity", "server CPU µs a request", "of that the check", "requests/s"], rows)


TABLES = {
    "fanout": lambda results: fan_out(results, "fanout"),
    "deep": lambda results: fan_out(results, "deep"),
    "lone": lambda results: fan_out(results, "lone"),
    "latency": latency,
    "loops": loops,
    "starve": starve,
    "idle": idle,
    "sse": lambda results: by_case(results, "sse", "kind", "readers"),
    "flat": flat,
    "connect": connect,
    "herd": herd,
    "topics": lambda results: by_case(results, "topics", "topics", "side topics"),
    "slow": slow,
    "publish": publish,
    "affinity": affinity,
}


def verdicts(results, scenarios):
    names = {scenario.name for scenario in scenarios}
    rows = []
    for target in (target for target in TARGETS if target.scenario in names):
        value, verdict = target.verdict(results)
        if verdict != "not measured":
            rows.append(
                [
                    target.scenario,
                    target.text,
                    target.bound,
                    number(value, "{:,.2f}" if value < 1000 else "{:,.0f}"),
                    verdict,
                ]
            )
    return table(["scenario", "figure", "target", "measured", ""], rows)
