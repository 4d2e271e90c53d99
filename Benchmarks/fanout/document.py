"""The part of docs/benchmarks.md on fan-out, between its markers."""

import os
import platform

from places import CHART, DOCUMENT
from results import DISTURBED
from servers import SERVERS
from tables import TABLES, verdicts

BEGIN, END = "<!-- fan-out:begin -->", "<!-- fan-out:end -->"


def first_line(path, key):
    with open(path) as file:
        for line in file:
            if line.startswith(key):
                return line.split(":" if ":" in line else "=", 1)[1].strip().strip('"')
    return "?"


def machine():
    return {
        "cores": os.cpu_count(),
        "processor": first_line("/proc/cpuinfo", "model name"),
        "memory_gb": round(int(first_line("/proc/meminfo", "MemTotal").split()[0]) / 1e6),
        "system": first_line("/etc/os-release", "PRETTY_NAME"),
        "kernel": platform.release().split("-")[0],
    }


def introduction(results):
    facts, versions = results.facts, results.facts["versions"]
    names = ", ".join(
        f"{SERVERS[key].title} ({version})" for key, version in versions.items() if key not in ("crier", "floor")
    )
    disturbed, runs = results.disturbed()
    return [
        f"Measured on {facts['date']}: {facts['cores']} cores ({facts['processor']}), {facts['memory_gb']} GB,",
        f"{facts['system']}, Linux {facts['kernel']}. Crier {versions['crier']}; {names}; C by {versions['floor']}.",
        "",
        "- Each server runs on the first core with one event loop, the load tool (`Benchmarks/load`) on the last.",
        f"- Crier's frame for a text of {facts['text']} bytes is {facts['frame']} bytes long. The others get as much text as makes",
        "  their frames equally long.",
        "- *N in flight*: the tool publishes the next alert when one of those N has reached **all** sockets, and at most half of",
        "  them at once, so that a server always has something to write.",
        "- CPU time is that of all threads of all the server's processes (`schedstat`).",
        "- Figures are medians of runs that alternate between the servers; ratios are medians of the ratios of neighbouring runs.",
        "- The floor is a relay in C (`Benchmarks/floor`) without ids, topics, replay, heartbeats or limits.",
        "- Every socket checks every alert's number. *Faults* are alerts lost, duplicated or reordered and sockets closed, in all",
        "  runs of a scenario; a relay that loses, repeats and swaps on purpose is the tool's control. In all scenarios together",
        f"  Crier had {results.faults(server='crier'):,}.",
        "- A run is repeated, up to twice, where something else had more than {:.0%} of the server's or the tool's core; {:,} of".format(
            DISTURBED, disturbed
        ),
        f"  {runs:,} runs stayed disturbed.",
    ]


def section(results, scenarios):
    lines = [
        *introduction(results),
        "",
        f"![CPU time a delivery by server and number of sockets]({CHART.name})",
        "",
        "### Targets",
        "",
        *verdicts(results, scenarios),
    ]
    for scenario in scenarios:
        if results.runs(scenario.name):
            lines += ["", f"### {scenario.title[0].upper()}{scenario.title[1:]}", "", *TABLES[scenario.name](results)]
    failures = results.failures()
    if failures:
        lines += [
            "",
            "Runs that failed: "
            + "; ".join(f"{SERVERS[run['server']].title}: {run['error'].splitlines()[0][:120]}" for run in failures)
            + ".",
        ]
    return lines


def refresh(results, scenarios):
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(BEGIN)
    _, marker, after = rest.partition(END)
    if not marker:
        raise SystemExit(f"{DOCUMENT.name} has no fan-out markers")
    DOCUMENT.write_text("\n".join([before + BEGIN, "", *section(results, scenarios), "", END]) + after)
