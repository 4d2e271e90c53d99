"""What the runs measured: kept as JSON, asked for medians and ratios."""

import json
import statistics

FAULTS = ("lost", "duplicated", "reordered", "closed")
# More than this share of a server's core used by something else, or withheld by the hypervisor, is a disturbance.
DISTURBED = 0.05


def disturbance(run):
    """The share that the server or the load tool did not have of its core; unknown, and so 0, where a server has several."""
    return max(run.get("others_cpu_share", 0), run.get("others_cpu_share_of_tool", 0))


class Results:
    """All runs of a session, scenario by scenario. A run is a dictionary: what was asked for, and what the load tool reported."""

    def __init__(self, path):
        self.path = path
        self.scenarios = {}
        self.facts = {}
        if path.exists():
            kept = json.loads(path.read_text())
            self.scenarios, self.facts = kept["scenarios"], kept["facts"]

    def save(self):
        self.path.write_text(json.dumps({"facts": self.facts, "scenarios": self.scenarios}, indent=1) + "\n")

    def begin(self, scenario, date):
        self.scenarios[scenario] = {"date": date, "runs": []}

    def add(self, scenario, run):
        self.scenarios[scenario]["runs"].append(run)

    def runs(self, scenario, server=None, **where):
        found = self.scenarios.get(scenario, {}).get("runs", [])
        return [
            run
            for run in found
            if "error" not in run
            and server in (None, run["server"])
            and all(run["case"].get(key) == wanted for key, wanted in where.items())
        ]

    def median(self, scenario, server, figure, **where):
        """None if there is no such run."""
        values = [run[figure] for run in self.runs(scenario, server, **where) if run.get(figure) is not None]
        return statistics.median(values) if values else None

    def ratio(self, scenario, figure, server, other, **where):
        """The median of what the rounds give, each of which has both servers right after each other."""
        return self.ratio_of(scenario, figure, {"server": server, **where}, {"server": other, **where})

    def ratio_of(self, scenario, figure, one, other):
        def by_round(which):
            return {run["round"]: run[figure] for run in self.runs(scenario, **which) if run.get(figure) is not None}

        first, second = by_round(one), by_round(other)
        ratios = [first[number] / second[number] for number in first if second.get(number)]
        return statistics.median(ratios) if ratios else None

    def faults(self, scenario=None, server=None):
        """Alerts lost, duplicated or reordered, and sockets closed, in all runs."""
        names = [scenario] if scenario else list(self.scenarios)
        return sum(run.get(fault, 0) for name in names for run in self.runs(name, server) for fault in FAULTS)

    def disturbed(self):
        runs = [run for scenario in self.scenarios.values() for run in scenario["runs"]]
        return sum(disturbance(run) > DISTURBED for run in runs), len(runs)

    def failures(self):
        return [run for scenario in self.scenarios.values() for run in scenario["runs"] if "error" in run]
