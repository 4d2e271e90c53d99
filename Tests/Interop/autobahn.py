"""Runs Autobahn's fuzzing client against an echo server and judges its report (see scripts/autobahn.sh)."""

import json
import pathlib
import queue
import socket
import subprocess
import sys
import tempfile
import threading
from collections import Counter

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
WSTEST = REPOSITORY / ".venv/autobahn/wstest"

# Framing, control frames, reserved bits, opcodes, fragmentation, UTF-8, closing, the odd ones, and of permessage-deflate (a thousand messages a case)
# one of each kind of payload and of parameters. Not 9 (performance).
CASES = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*"]
CASES += ["12.1.1", "12.1.5", "12.1.11", "12.2.3", "12.3.3", "12.4.3", "12.5.3", "13.1.3", "13.2.3", "13.3.3", "13.7.3"]
# What these patterns come to in the pinned version: a run that ended early must not pass for a good one.
CASE_COUNT = 258
# Offers of a window below 32 KiB are declined: one compressed alert has to fit everyone.
UNIMPLEMENTED = {"13.3.3"}
FINE = {"OK", "NON-STRICT", "INFORMATIONAL"}
FINE_CLOSE = {"OK", "INFORMATIONAL"}

STARTUP_SECONDS = 20
RUN_SECONDS = 240


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def first_line(process: subprocess.Popen) -> str:
    """The server's first line of output, after which it must be listening; what follows is read and dropped, so that it never blocks."""
    lines: queue.Queue = queue.Queue(maxsize=1)

    def read():
        lines.put(process.stdout.readline())
        for _ in process.stdout:
            pass

    threading.Thread(target=read, daemon=True).start()
    try:
        line = lines.get(timeout=STARTUP_SECONDS)
    except queue.Empty:
        line = ""
    if not line:
        process.kill()
        sys.exit(f"autobahn: the echo server printed nothing in {STARTUP_SECONDS} s")
    return line.strip()


def run_cases(port: int, directory: pathlib.Path) -> dict:
    spec = directory / "fuzzingclient.json"
    reports = directory / "reports"
    spec.write_text(
        json.dumps(
            {
                "outdir": str(reports),
                "servers": [{"agent": "echo", "url": f"ws://127.0.0.1:{port}"}],
                "cases": CASES,
                "exclude-cases": [],
                "exclude-agent-cases": {},
            }
        )
    )
    log = directory / "wstest.log"
    with log.open("wb") as output:
        try:
            subprocess.run(
                [WSTEST, "-m", "fuzzingclient", "-s", spec],
                cwd=directory,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=RUN_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            print(f"autobahn: wstest did not end within {RUN_SECONDS} s")
    index = reports / "index.json"
    if not index.exists():
        print(log.read_text(errors="replace")[-4000:])
        sys.exit("autobahn: there is no report")
    results = json.loads(index.read_text())["echo"]
    for result in results.values():
        result["details"] = json.loads((reports / result["reportfile"]).read_text())
    return results


def failed(case: str, result: dict) -> bool:
    fine = {"UNIMPLEMENTED"} if case in UNIMPLEMENTED else FINE
    return result["behavior"] not in fine or result["behaviorClose"] not in FINE_CLOSE


def report(results: dict) -> bool:
    """Prints every case that is not plainly fine, then the counts. True when none failed."""
    counts: Counter = Counter()
    for case in sorted(results, key=lambda name: [int(part) for part in name.split(".")]):
        result = results[case]
        if failed(case, result):
            details = result["details"]
            counts["failed"] += 1
            print(f"FAILED {case}: {result['behavior']}, close {result['behaviorClose']}")
            for key in ("description", "expectation", "result", "resultClose"):
                print(f"    {key}: {' '.join(str(details.get(key)).split())[:300]}")
        else:
            counts[result["behavior"]] += 1
            if result["behavior"] == "NON-STRICT":
                print(f"non-strict {case}: {' '.join(str(result['details'].get('result')).split())[:200]}")
    complete = len(results) == CASE_COUNT
    if not complete:
        print(f"autobahn: {len(results)} of {CASE_COUNT} cases ran")
    print(
        f"autobahn: {len(results)} cases, {counts['OK']} ok, {counts['INFORMATIONAL']} informational, "
        f"{counts['NON-STRICT']} non-strict, {counts['UNIMPLEMENTED']} declined, {counts['failed']} failed"
    )
    return complete and not counts["failed"]


def main(command: list[str]) -> int:
    port = free_port()
    server = subprocess.Popen([*command, str(port)], stdout=subprocess.PIPE, text=True, errors="replace")
    try:
        print(f"autobahn: {command[0]} on port {port}: {first_line(server)}", flush=True)
        with tempfile.TemporaryDirectory() as directory:
            results = run_cases(port, pathlib.Path(directory))
        crashed = server.poll()
        fine = report(results)
        if crashed is not None:
            print(f"autobahn: the echo server ended during the run, status {crashed}")
        return 0 if fine and crashed is None else 1
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
