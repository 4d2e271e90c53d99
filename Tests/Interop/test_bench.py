"""`crier bench` against the real server, as a shell uses it, and against one that loses, repeats and swaps alerts."""

import contextlib
import http
import json
import os
import re
import resource
import subprocess
import threading
import time

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from crier_server import CRASH, REPOSITORY, free_port
from waiting import PATIENCE

BINARY = REPOSITORY / os.environ.get("CRIER_BIN", ".build/release/crier")


def bench(url: str, *arguments: str, files: int | None = None) -> subprocess.CompletedProcess:
    """One run, from its start to its end."""
    done = subprocess.run(
        [BINARY, "bench", "--server", url, *arguments],
        env={"PATH": os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 3,
        check=False,
        preexec_fn=(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))) if files else None,
    )
    assert not CRASH.search(done.stderr), done.stderr
    return done


def report_of(url: str, *arguments: str, status: int = 0) -> dict:
    done = bench(url, "--json", *arguments)
    assert done.returncode == status, (done.stdout, done.stderr)
    return json.loads(done.stdout)


def faults(report: dict) -> dict[str, int]:
    return {name: report[name] for name in ("lost", "doubled", "reordered", "closed")}


NO_FAULTS = {"lost": 0, "doubled": 0, "reordered": 0, "closed": 0}


@pytest.mark.parametrize("form", ["ws", "sse"])
def test_every_reader_gets_every_alert(server, topic, form):
    report = report_of(server.url, "--form", form, "--sockets", "50", "--seconds", "1", "--topic", topic)
    assert faults(report) == NO_FAULTS
    assert report["form"] == form and report["sockets"] == 50 and report["threads"] == 1
    assert report["delivered"] >= 50 and report["published"] * 50 >= report["delivered"]
    assert report["deliveries_per_second"] == pytest.approx(report["delivered"] / report["seconds"], rel=0.01)
    assert report["seconds"] >= 1 and report["connects_per_second"] > 0 and report["alerts_per_read"] >= 1
    latencies = [report[f"latency_ms_{name}"] for name in ("p50", "p90", "p99", "p999", "max")]
    assert 0 < latencies[0] and latencies == sorted(latencies)
    assert report["server_cpu_us_per_delivery"] > 0 and 0 < report["tool_cpu_share"] <= 1.05
    assert isinstance(report["tool_is_bottleneck"], bool)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--threads", "3", "--sockets", "20"],
        ["--sockets", "300", "--connections-at-once", "7", "--in-flight", "1"],
        ["--payload", "24", "--sockets", "5", "--in-flight", "64"],
        ["--payload", "4096", "--sockets", "5", "--in-flight", "64"],
        ["--payload", "4096", "--sockets", "5", "--in-flight", "64", "--form", "sse"],
        ["--threads", "2", "--sockets", "1"],
    ],
    ids=" ".join,
)
def test_shapes_of_load(server, topic, arguments):
    report = report_of(server.url, "--seconds", "1", "--topic", topic, *arguments)
    assert faults(report) == NO_FAULTS and report["delivered"] > 0


def test_each_server_has_a_publisher_of_its_own(server, topic):
    report = report_of(server.url, "--server", server.url, "--sockets", "21", "--seconds", "1", "--topic", topic)
    assert faults(report) == NO_FAULTS and report["delivered"] > 0


def test_a_rate_is_kept(server, topic):
    report = report_of(server.url, "--rate", "40", "--sockets", "10", "--seconds", "2", "--topic", topic)
    assert faults(report) == NO_FAULTS
    # A second to warm up, two to measure, and what a loaded machine adds to them.
    assert 40 * 3 <= report["published"] <= 40 * 6
    assert report["delivered"] == pytest.approx(report["seconds"] * 40 * 10, rel=0.25)
    assert report["rate"] == 40 and not report["tool_is_bottleneck"]


def test_text_and_progress(server, topic):
    done = bench(server.url, "--sockets", "5", "--rate", "20", "--seconds", "1", "--topic", topic)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"sockets +5 \(ws\), opened in [\d.]+ s: \d+/s", lines[0])
    assert "lost 0, duplicated 0, reordered 0, closed 0" in lines
    assert any(re.fullmatch(r"latency +p50 [\d.]+ ms, p90 .*, p99 .*, p99.9 .*, max [\d.]+ ms", line) for line in lines)
    assert "sockets: 5 of 5" in done.stderr and re.search(r"\d+ deliveries/s, seconds: 1 of 1", done.stderr)


def test_the_alerts_of_others_on_the_topic_do_not_count(server, topic):
    with subprocess.Popen(
        [BINARY, "bench", "--server", server.url, "--rate", "50", "--sockets", "4", "--seconds", "3", "--topic", topic],
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as other:
        report = report_of(server.url, "--rate", "50", "--sockets", "4", "--seconds", "1", "--topic", topic)
        assert other.poll() is None
        assert other.wait(PATIENCE * 2) == 0
    assert faults(report) == NO_FAULTS


# What prevents a run


def refused(done: subprocess.CompletedProcess, *words: str) -> None:
    assert (done.returncode, done.stdout) == (69, ""), (done.stdout, done.stderr)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("crier: ") and all(word in last for word in words), done.stderr


def test_nobody_listens():
    url = f"http://127.0.0.1:{free_port()}"
    refused(bench(url, "--sockets", "1", "--seconds", "1"), url, "Connection refused")


def test_no_such_host():
    refused(bench("http://nowhere.invalid", "--sockets", "1", "--seconds", "1"), "no address found for nowhere.invalid")


def test_limits_refuse_sockets(own_server):
    server = own_server(RATE_LIMITS=None)
    refused(bench(server.url, "--sockets", "400", "--seconds", "1"), "refused a socket", "429", "RATE_LIMITS=off")


def test_limits_refuse_alerts(own_server):
    server = own_server(RATE_LIMITS=None)
    refused(bench(server.url, "--sockets", "2", "--seconds", "1"), "refused an alert", "42901", "RATE_LIMITS=off")


def test_a_token_is_needed(own_server):
    server = own_server(PUBLISH_TOKEN="not-so-secret")
    refused(bench(server.url, "--sockets", "2", "--seconds", "1"), "refused an alert", "40101", "PUBLISH_TOKEN")


def test_too_few_files(server):
    refused(bench(server.url, "--sockets", "1000", "--seconds", "1", files=256), "1000 sockets", "256", "ulimit -n")


def test_not_a_path_of_ours(server):
    refused(bench(f"{server.url}/elsewhere", "--sockets", "1", "--seconds", "1"), "refused a socket", "40401")


def test_the_server_goes_away(own_server, topic):
    server = own_server()
    with subprocess.Popen(
        [BINARY, "bench", "--server", server.url, "--sockets", "5", "--seconds", "60", "--topic", topic],
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert "sockets: 5 of 5" in running.stderr.readline()
        server.kill()
        refused(
            subprocess.CompletedProcess(
                running.args, running.wait(PATIENCE), running.stdout.read(), running.stderr.read()
            ),
            server.url,
        )


# What a run finds


class FaultyBroadcaster:
    """Speaks as much of the protocol as the tool needs, and lets its first reader have what `plan` makes of each alert.

    `plan(number, text)` gives the texts to send in its place; None closes the reader with 4008.
    """

    def __init__(self, plan):
        self.plan = plan
        self.readers: list[ServerConnection] = []
        self.numbers = 0

    def handle(self, connection: ServerConnection) -> None:
        connection.send(json.dumps({"event": "open"}, separators=(",", ":")))
        with contextlib.suppress(ConnectionClosed):
            if connection.request.path != "/ws":
                self.readers.append(connection)
                for _ in connection:
                    pass
                return
            for text in connection:
                self.numbers += 1
                self.publish(json.dumps({"event": "message", "message": json.loads(text)["message"]}))

    def publish(self, text: str) -> None:
        for reader in list(self.readers):
            texts = self.plan(self.numbers, text) if reader is self.readers[0] else [text]
            with contextlib.suppress(ConnectionClosed):
                if texts is None:
                    reader.close(4008)
                for each in texts or []:
                    reader.send(each)

    @contextlib.contextmanager
    def running(self):
        def answer(connection, request):
            return connection.respond(http.HTTPStatus.NOT_FOUND, "no metrics\n") if request.path == "/metrics" else None

        with serve(self.handle, "127.0.0.1", 0, process_request=answer, compression=None, close_timeout=1) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
            finally:
                server.shutdown()
                thread.join(PATIENCE)
                assert not thread.is_alive()


def run_with(plan, status: int = 1) -> dict:
    with FaultyBroadcaster(plan).running() as url:
        return report_of(url, "--sockets", "3", "--rate", "20", "--seconds", "1", status=status)


def test_a_server_without_metrics_is_measured():
    report = run_with(lambda number, text: [text], status=0)
    assert faults(report) == NO_FAULTS and report["delivered"] > 0
    assert report["server_cpu_us_per_delivery"] is None and report["idle_socket_bytes"] is None


def test_lost_alerts_are_counted():
    assert faults(run_with(lambda number, text: [] if number in (3, 6, 7) else [text])) == NO_FAULTS | {"lost": 3}


def test_repeated_alerts_are_counted():
    plan = {1: 2, 5: 3}
    assert faults(run_with(lambda number, text: [text] * plan.get(number, 1))) == NO_FAULTS | {"doubled": 3}


def test_swapped_alerts_are_counted():
    held: list[str] = []

    def swap(number: int, text: str) -> list[str]:
        if number in (4, 5):
            held.append(text)
            return []
        return [text, *held[::-1]] if number == 6 else [text]

    assert faults(run_with(swap)) == NO_FAULTS | {"reordered": 2}


def test_closed_readers_are_counted_and_not_waited_for():
    began = time.monotonic()
    report = run_with(lambda number, text: None if number == 10 else [text])
    assert faults(report) == NO_FAULTS | {"closed": 1}
    assert time.monotonic() - began < 10, "it waited for the alerts of a reader that has gone"
