"""Measures fan-out beside the fastest peers in one run: `python3 Benchmarks/fanout --help`.

Prints tables with ratios and whether each target is met, writes .build/bench/results.json, and, unless --quick, draws docs/fan-out.svg and
refreshes docs/benchmarks.md.
"""

import argparse
import datetime
import sys

import chart
import document
import programs
import servers
from control import check_load_tool
from places import BUILD, CHART, ROOT, say
from results import Results
from runner import TEXT, Runner
from scenarios import scenarios
from tables import TABLES, verdicts


def parsed():
    names = [scenario.name for scenario in scenarios(False)]
    parser = argparse.ArgumentParser(
        prog="fanout", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="fewer sizes, one round of 2 s; keeps its results apart and the documents as they are",
    )
    parser.add_argument(
        "--only", action="append", choices=names, metavar="SCENARIO", help=f"may be repeated; one of {', '.join(names)}"
    )
    parser.add_argument("--crier", default=str(ROOT / ".build/release/crier"), help="the server's binary")
    parser.add_argument("--peers", help="which of the other servers, with commas (default: all that are installed)")
    return parser.parse_args()


def available(peers):
    missing = servers.missing()
    if not programs.install_socketify():
        missing["uws"] = "socketify could not be installed"
    wanted = ["crier", *(peers.split(",") if peers else (key for key in servers.SERVERS if key != "crier"))]
    for key in wanted:
        if key not in servers.SERVERS:
            raise SystemExit(f"there is no server {key}; there are {', '.join(servers.SERVERS)}")
        if key in missing:
            say(f"without {servers.SERVERS[key].title}: {missing[key]}")
    return [key for key in wanted if key not in missing]


def main():
    options = parsed()
    programs.compile_programs()
    check_load_tool()
    results = Results(BUILD / ("results-quick.json" if options.quick else "results.json"))
    today = datetime.date.today().isoformat()
    runner = Runner(options.crier, available(options.peers), results, attempts=1 if options.quick else 3)
    try:
        frame = runner.measure_frame()
    except (RuntimeError, OSError) as error:
        raise SystemExit(f"{options.crier}: {error}") from error
    results.facts = {
        "date": today,
        **document.machine(),
        "text": TEXT,
        "frame": frame,
        "versions": servers.versions(),
    }
    chosen = [scenario for scenario in scenarios(options.quick) if not options.only or scenario.name in options.only]
    for scenario in chosen:
        results.begin(scenario.name, today)
        runner.run(scenario)
        results.save()
    for scenario in chosen:
        print("", f"## {scenario.title}", "", *TABLES[scenario.name](results), sep="\n")
    print("", "## Targets", "", *verdicts(results, chosen), sep="\n")
    if not options.quick:
        document.refresh(results, scenarios(False))
        if results.runs("fanout"):
            CHART.write_text(chart.draw(results))
    faults = results.faults(server="crier")
    if faults:
        say(f"Crier lost, duplicated or reordered alerts or closed sockets: {faults}")
    return 1 if faults or any(run["server"] == "crier" for run in results.failures()) else 0


if __name__ == "__main__":
    sys.exit(main())
