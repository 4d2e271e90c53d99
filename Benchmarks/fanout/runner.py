"""Runs cases: starts a server, lets the load tool at it, ends both, keeps the report."""

import json
import subprocess

from places import say
from programs import LOAD
from results import DISTURBED, disturbance
from servers import SERVERS, pin, pinned, running

# Bytes of text in Crier's alerts.
TEXT = 100
LIMIT_SECONDS = 180


class Runner:
    def __init__(self, crier, servers, results, attempts):
        self.crier = crier
        self.servers = servers
        self.results = results
        # Runs that fail or are disturbed are repeated as often; the least disturbed one counts.
        self.attempts = attempts
        self.frame = None

    def load(self, port, pid, threads, words):
        server_cores, load_cores = pin(threads)
        if not server_cores & load_cores:
            # The tool has a core of its own.
            words = [*words, "--spin"]
        run = subprocess.run(
            [LOAD, "--port", str(port), "--pid", str(pid), *words],
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            preexec_fn=pinned(load_cores),
            check=False,
        )
        if run.returncode != 0:
            raise RuntimeError(run.stderr.strip() or f"the load tool ended with {run.returncode}")
        return json.loads(run.stdout)

    def measure_frame(self):
        """Bytes of the frame in which Crier sends the text: the peers send frames as long."""
        with running("crier", self.crier) as (port, pid):
            words = [
                "--protocol",
                "crier",
                "--sockets",
                "1",
                "--payload",
                str(TEXT),
                "--in-flight",
                "1",
                "--seconds",
                "0.5",
            ]
            report = self.load(port, pid, 1, words)
        self.frame = round(report["bytes_per_delivery"])
        return self.frame

    def run(self, scenario):
        for number in range(scenario.rounds):
            for case in scenario.cases:
                for key in case.servers:
                    if key in self.servers:
                        self.run_one(scenario, case, key, number)

    def attempt(self, case, key, words):
        try:
            with running(key, self.crier, case.threads, case.environment) as (port, pid):
                return self.load(port, pid, case.threads, words)
        except (RuntimeError, OSError, ValueError, subprocess.TimeoutExpired) as error:
            return {"error": str(error)}

    def run_one(self, scenario, case, key, number):
        server = SERVERS[key]
        payload = case.text or server.payload(self.frame, TEXT)
        words = ["--protocol", case.protocol or server.protocol, "--payload", str(payload), *case.arguments]
        attempts = []
        while len(attempts) < self.attempts and not any(is_good(run) for run in attempts):
            attempts.append({"server": key, "case": case.facts, "round": number} | self.attempt(case, key, words))
        run = min(attempts, key=lambda run: ("error" in run, disturbance(run)))
        self.results.add(scenario.name, run)
        place = f"{scenario.name} · {case.name} · {server.title}"
        if scenario.rounds > 1:
            place += f" · {number + 1}/{scenario.rounds}"
        say(f"{place}: {summary(run)}")


def is_good(run):
    return "error" not in run and disturbance(run) <= DISTURBED


def summary(run):
    if "error" in run:
        return f"FAILED: {run['error']}"
    parts = []
    for key, form in (
        ("cpu_us_per_delivery", "{:.2f} µs a delivery"),
        ("deliveries_per_second", "{:,.0f}/s"),
        ("alerts_per_receive", "{:.1f} a receive"),
        ("latency_ms_p99", "p99 {:.1f} ms"),
        ("handshake_ms_p99", "handshake p99 {:.1f} ms"),
        ("ping_ms_p99", "ping p99 {:.1f} ms"),
        ("publish_ms_p99", "publish p99 {:.1f} ms"),
        ("herd_seconds", "herd {:.2f} s"),
        ("publishes_per_second", "{:,.0f} publishes/s"),
        ("cpu_us_per_publish", "{:.1f} µs a publish"),
        ("connects_per_second", "{:,.0f} connects/s"),
        ("bytes_per_socket", "{:,.0f} bytes a socket"),
    ):
        if run.get(key) is not None and not (
            key in ("connects_per_second", "bytes_per_socket") and "deliveries" in run
        ):
            parts.append(form.format(run[key]))
    if run.get("tool_cpu_share", 0) > 0.9:
        parts.append(f"tool at {run['tool_cpu_share']:.0%}")
    if disturbance(run) > DISTURBED:
        parts.append(f"DISTURBED: others had {disturbance(run):.0%} of its core or the load's")
    faults = [f"{run[name]} {name}" for name in ("lost", "duplicated", "reordered", "closed") if run.get(name)]
    return " · ".join(parts + faults)
