"""The server as a process: how it starts, refuses to start, leaves, dies and comes back, and what peers that misbehave cost it."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import NamedTuple

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from crier_server import CRASH, REPOSITORY, STARTUP_SECONDS
from curl import JSONStream, SSEStream, curl
from log_order import assert_log_order
from test_prometheus import scrape
from test_websockets import Duplex
from waiting import PATIENCE, wait_until

GRACE_SECONDS = 6


@pytest.fixture
def told(own_server):
    """`told(server, signal)`: sends the first signal and takes the process over from the server, whose own stop would be the second."""
    processes = []

    def send(server, number: int) -> subprocess.Popen:
        process, server.process = server.process, None
        processes.append(process)
        process.send_signal(number)
        return process

    yield send
    for process in processes:
        if process.poll() is None:
            process.kill()
            process.wait()


def assert_ended(server, process: subprocess.Popen, status: int, within: float) -> None:
    try:
        assert process.wait(within) == status, server.log[-4000:]
    except subprocess.TimeoutExpired:
        raise AssertionError(f"the server did not end within {within} s:\n{server.log[-4000:]}") from None
    assert not CRASH.search(server.log), server.log[-4000:]


def log_lines(server) -> list[dict]:
    """The log as JSON. The one line for people is standard output's."""
    lines = server.log.splitlines()
    announcements = [line for line in lines if line.startswith("Crier is on ")]
    assert len(announcements) == 1 and f":{server.port}/" in announcements[0]
    return [json.loads(line) for line in lines if line not in announcements]


def wait_for_log(server, message: str) -> None:
    wait_until(lambda: f'"{message}"' in server.log, f"“{message}” in the log")


def wait_until_refused(server) -> None:
    def refused() -> bool:
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=2).close()
            return False
        except ConnectionRefusedError:
            return True

    wait_until(refused, "new connections to be refused", 2)


class Kept:
    """A connection that was used for a request and is kept open: what a proxy in front has."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        assert self.ask("GET", "/health")[0] == 200

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def ask(self, method: str, path: str, body: str | None = None) -> tuple[int, dict]:
        self.connection.request(method, path, body)
        return self.answer()

    def answer(self) -> tuple[int, dict]:
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())


class Departure(NamedTuple):
    at: float
    code: int | None
    drains: list[dict]


def socket_departure(reader: Duplex) -> Departure:
    code, events = reader.closed()
    return Departure(time.time(), code, [event for event in events if event["event"] == "drain"])


def stream_departure(stream: SSEStream) -> Departure:
    lines = stream.drain()
    at = time.time()
    positions = [position for position, line in enumerate(lines) if line == "event: drain"]
    drains = [next(line for line in lines[position:] if line.startswith("data: ")) for position in positions]
    return Departure(at, None, [json.loads(line.removeprefix("data: ")) for line in drains])


def log_time(lines: list[dict], message: str) -> float:
    """When the message was logged, in Unix seconds."""
    stamps = [line["time"] for line in lines if line["message"] == message]
    assert len(stamps) == 1, (message, stamps)
    return datetime.fromisoformat(stamps[0]).timestamp()


def test_sigterm_lets_everyone_go_in_order(own_server, told, topic):
    # One event loop: each has its own plan of departures, and the fewer readers a loop has, the sooner they are gone.
    server = own_server(DRAIN_SECONDS="3", THREADS="1", LOG_FORMAT="json")
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(Duplex(server)) for _ in range(30)]
        for reader in sockets:
            reader.ask("subscribe", topics=[topic])
        streams = [stack.enter_context(SSEStream(f"{server.url}/{topic}/sse")) for _ in range(10)]
        for stream in streams:
            assert stream.next()["event"] == "open"
        ready, late, half, *hasty = [stack.enter_context(Kept(server)) for _ in range(13)]
        half.connection.putrequest("POST", f"/{topic}")
        half.connection.putheader("Content-Length", "10")
        half.connection.endheaders(b"01234")
        pool = stack.enter_context(ThreadPoolExecutor(40))

        for number, publisher in enumerate(hasty):
            publisher.connection.request("POST", f"/{topic}", f"hasty {number}")
        began = time.time()
        process = told(server, signal.SIGTERM)
        departing = [pool.submit(socket_departure, reader) for reader in sockets]
        departing += [pool.submit(stream_departure, stream) for stream in streams]

        wait_for_log(server, "subscription deleted")
        wait_until_refused(server)
        assert process.poll() is None
        status, body = ready.ask("GET", "/ready")
        assert (status, body["status"]) == (503, "leaving")
        status, body = late.ask("POST", f"/{topic}", "late")
        assert (status, body["code"]) == (503, 50303)
        half.connection.send(b"56789")
        answers = [publisher.answer() for publisher in (half, *hasty)]
        departures = [departure.result(3 + GRACE_SECONDS + PATIENCE) for departure in departing]
        assert_ended(server, process, 0, within=PATIENCE)

    assert all(status == 200 or (status, body["code"]) == (503, 50303) for status, body in answers), answers
    raised = sorted(body["id"] for status, body in answers if status == 200)
    assert_log_order(raised)

    assert [departure.code for departure in departures] == [1012] * 30 + [None] * 10
    for departure in departures:
        assert len(departure.drains) == 1 and 0 <= departure.drains[0]["retry_ms"] <= 30_000, departure
    ends = sorted(departure.at - began for departure in departures)
    assert len([end for end in ends if end < ends[0] + 0.5]) <= 20, ends
    assert len([end for end in ends if end > ends[0] + 1.5]) >= 5, ends
    assert 2 < ends[-1] < 3 + GRACE_SECONDS, ends

    lines = log_lines(server)
    messages = [line["message"] for line in lines]
    assert messages.index("leaving") < messages.index("subscription deleted") < messages.index("left")
    assert log_time(lines, "subscription deleted") <= began + ends[0]


def test_sigint_lets_everyone_go_too(own_server, told, topic):
    server = own_server(DRAIN_SECONDS="3", THREADS="1", LOG_FORMAT="json")
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(Duplex(server)) for _ in range(20)]
        process = told(server, signal.SIGINT)
        wait_for_log(server, "subscription deleted")
        wait_until_refused(server)
        refusals = []
        for publisher in sockets:
            with contextlib.suppress(ConnectionClosed):
                refusals.append(publisher.ask("publish", topic=topic, message="late"))
        assert refusals, "a socket that has not been closed yet gets an answer"
        assert {(refusal["event"], refusal.get("code")) for refusal in refusals} == {("error", 50303)}
        assert {reader.closed()[0] for reader in sockets} == {1012}
        assert_ended(server, process, 0, within=3 + GRACE_SECONDS)


def raw_request(server, path: str, *headers: str) -> socket.socket:
    """A reader that takes its answer's head and then nothing more, and never answers."""
    peer = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]
    peer.sendall("\r\n".join(lines).encode())
    head = b""
    while b"\r\n\r\n" not in head:
        data = peer.recv(4096)
        assert data, head
        head += data
    assert head.startswith(b"HTTP/1.1 101 " if headers else b"HTTP/1.1 200 "), head
    return peer


def raw_socket(server, path: str) -> socket.socket:
    upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==")
    return raw_request(server, path, *upgrade)


def test_peers_that_never_answer_do_not_hold_the_process(own_server, told, topic):
    server = own_server(DRAIN_SECONDS="1")
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(raw_socket(server, "/ws"))
            stack.enter_context(raw_request(server, f"/{topic}/sse"))
        stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE))
        process = told(server, signal.SIGTERM)
        assert_ended(server, process, 0, within=1 + GRACE_SECONDS + 5)


@pytest.mark.parametrize(
    "first, second",
    [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT)],
    ids=["term-term", "int-int", "term-int"],
)
def test_a_second_signal_ends_it_at_once(own_server, told, first, second):
    server = own_server(DRAIN_SECONDS="60", THREADS="1", LOG_FORMAT="json")
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(raw_socket(server, "/ws"))
        process = told(server, first)
        wait_for_log(server, "subscription deleted")
        assert process.poll() is None

        def ended() -> bool:
            # One that comes too soon after the first counts as its echo.
            process.send_signal(second)
            return process.poll() is not None

        wait_until(ended, "the end", 2)
        assert_ended(server, process, 1, within=1)
    messages = [line["message"] for line in log_lines(server)]
    assert "leaving at once" in messages and "left" not in messages


def test_two_signals_in_one_breath_are_one(own_server, told):
    """Programs that run others often send a signal to the process and to its group."""
    server = own_server(DRAIN_SECONDS="1", LOG_FORMAT="json")
    with Duplex(server) as reader:
        process = told(server, signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        code, events = reader.closed()
        assert (code, events[-1]["event"]) == (1012, "drain")
        assert_ended(server, process, 0, within=1 + GRACE_SECONDS)
    assert "left" in [line["message"] for line in log_lines(server)]


def published(server, topic: str, message: str) -> str:
    answer = curl(f"{server.url}/{topic}", body=message)
    assert answer.status == 200, answer.body
    return answer.json["id"]


def returned(server, form: str, topic: str, cursor: str, count: int) -> list[dict]:
    """What a reader that comes back with this cursor gets after `open`: so many events that are no heartbeats."""
    if form == "ws":
        with connect(f"{server.ws_url}/{topic}/ws?since={cursor}", compression=None) as reader:
            assert json.loads(reader.recv(timeout=PATIENCE))["event"] == "open"
            return [json.loads(reader.recv(timeout=PATIENCE)) for _ in range(count)]
    if form == "json":
        with JSONStream(f"{server.url}/{topic}/json?since={cursor}") as reader:
            return [reader.next("message", "reset") for _ in range(count)]
    if form == "sse":
        with SSEStream(f"{server.url}/{topic}/sse", "-H", f"Last-Event-ID: {cursor}") as reader:
            assert reader.next()["event"] == "open"
            return [json.loads(reader.next()["data"]) for _ in range(count)]
    with Duplex(server) as reader:
        assert reader.ask("subscribe", topics=[topic], since=cursor)["event"] == "ack"
        return [reader.receive() for _ in range(count)]


@pytest.mark.parametrize("form", ["sse", "json", "ws", "duplex"])
def test_a_reader_that_comes_back_after_a_crash_is_told_and_gets_the_new_log(own_server, topic, form):
    server = own_server()
    with SSEStream(f"{server.url}/{topic}/sse") as reader:
        reader.next()
        published(server, topic, "before")
        cursor = reader.message()[0]["id"]
        server.kill()
        assert "event: drain" not in reader.drain()
    server.start()
    new = [published(server, topic, text) for text in ("first of the new log", "second")]
    reset, *alerts = returned(server, form, topic, cursor, 3)
    assert (reset["event"], reset["reason"], reset["since"]) == ("reset", "epoch", cursor)
    assert [alert["id"] for alert in alerts] == new
    assert cursor < reset["id"] < new[0]


def test_ids_never_repeat_over_quick_restarts(own_server, topic):
    server = own_server()
    ids = []
    for run in range(6):
        if run:
            server.kill()
            server.start()
        ids += [published(server, topic, str(number)) for number in range(3)]
    assert_log_order(ids)
    assert len({identifier[:6] for identifier in ids}) == 6, ids


def run_serve(*flags: str, **environment: str) -> subprocess.CompletedProcess:
    """`crier serve` where it is expected to end by itself."""
    binary = REPOSITORY / os.environ.get("CRIER_BIN", ".build/release/crier")
    surroundings = {"PATH": os.environ["PATH"], "HOST": "127.0.0.1", "PORT": "0", "LOG_FORMAT": "json", **environment}
    return subprocess.run(
        [binary, "serve", *flags],
        cwd=REPOSITORY,
        env=surroundings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=STARTUP_SECONDS,
        check=False,
    )


def test_a_port_in_use_is_said_and_ends_the_start(server):
    second = run_serve(PORT=str(server.port))
    assert second.returncode == 1
    assert second.stdout == "", "only a server that answers says so"
    assert not CRASH.search(second.stderr), second.stderr
    last = json.loads(second.stderr.splitlines()[-1])
    assert (last["level"], last["message"]) == ("critical", "cannot go on")
    assert "already in use" in last["error"]
    assert str(server.port) in str(last), "which port it is"
    assert curl(f"{server.url}/health").status == 200


def test_an_address_of_another_machine_ends_the_start():
    # TEST-NET-1 (RFC 5737) is nobody's.
    done = run_serve(HOST="192.0.2.1")
    assert done.returncode == 1 and not CRASH.search(done.stderr), done.stderr
    last = json.loads(done.stderr.splitlines()[-1])
    assert (last["level"], last["message"]) == ("critical", "cannot go on")
    assert "192.0.2.1" in str(last), "which address it is"


@pytest.mark.parametrize(
    "flags, environment, key, fault",
    [
        ([], {"PORT": "http"}, "PORT", "http"),
        (["--port", "65536"], {}, "PORT", "65536"),
        (["--port=-1"], {}, "PORT", "-1"),
        (["--port"], {}, "--port", "value"),
        (["--prot", "80"], {}, "--prot", "no such flag"),
        (["8080"], {}, "8080", "not a flag"),
        ([], {"BUS": "pigeon"}, "BUS", "pigeon"),
        ([], {"FLY_ALLOC_ID": "a b"}, "FLY_ALLOC_ID", "a b"),
        ([], {"FLY_REGION": "süd"}, "FLY_REGION", "süd"),
        ([], {"ALLOWED_ORIGINS": "example.com"}, "ALLOWED_ORIGINS", "https://"),
        ([], {"TRUSTED_PROXY": "yes"}, "TRUSTED_PROXY", "forwarded"),
        ([], {"RETENTION": "soon"}, "RETENTION", "soon"),
        (["--retention-count", "0"], {}, "RETENTION_COUNT", "0"),
        ([], {"RETENTION_BYTES": "1"}, "RETENTION_BYTES", "1"),
        ([], {"DRAIN_SECONDS": "1.5"}, "DRAIN_SECONDS", "1.5"),
        ([], {"RATE_LIMITS": "maybe"}, "RATE_LIMITS", "on, off"),
        ([], {"SOCKET_RATE": "10"}, "SOCKET_RATE", "10/20"),
        ([], {"ADDRESS_RATE": "0/0"}, "ADDRESS_RATE", "0/0"),
        ([], {"MAX_BODY": "99999999999999999999"}, "MAX_BODY", "99999999999999999999"),
        ([], {"LOG_LEVEL": "loud"}, "LOG_LEVEL", "loud"),
        ([], {"LOG_FORMAT": "xml"}, "LOG_FORMAT", "xml"),
        (["--config", "/no/such/file"], {}, "CRIER_CONFIG", "/no/such/file"),
        ([], {"CRIER_CONFIG": "/no/such/file"}, "CRIER_CONFIG", "/no/such/file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_setting_that_cannot_be_used_is_named(flags, environment, key, fault):
    done = run_serve(*flags, **environment)
    assert done.returncode == 64, done.stderr
    first = done.stderr.splitlines()[0]
    assert key in first and fault in first, done.stderr
    assert done.stdout == "" and not CRASH.search(done.stderr)


def test_flags_go_before_the_environment_and_that_before_the_file(own_server, topic, tmp_path):
    file = tmp_path / "crier.conf"
    file.write_text("# A comment\nFLY_REGION=file\nMAX_TEXT=300\n\nMAX_TOPICS=3\nPUBLISH_TOKEN=tk_of_the_file\nRATE_LIMITS=on\n")
    server = own_server("--fly-region", "flag", "--config", str(file), FLY_REGION="environment", MAX_TEXT="200", CRIER_CONFIG="/no/such/file")
    assert curl(f"{server.url}/ready").json["region"] == "flag"
    assert curl(f"{server.url}/{topic}", body="x").status == 401
    token = ("-H", "Authorization: Bearer tk_of_the_file")
    assert curl(*token, f"{server.url}/{topic}", body="x" * 200).status == 200
    assert curl(*token, f"{server.url}/{topic}", body="x" * 201).status == 413
    with Duplex(server) as reader:
        assert reader.ask("subscribe", topics=["a", "b", "c"])["event"] == "ack"
        assert reader.ask("subscribe", topics=["d"])["code"] == 40015


def test_a_blank_name_of_the_file_is_none(own_server):
    assert curl(f"{own_server(CRIER_CONFIG='').url}/health").status == 200


def test_a_blank_in_the_environment_does_not_hide_the_file(own_server, topic, tmp_path):
    file = tmp_path / "crier.conf"
    file.write_text("PUBLISH_TOKEN=tk_of_the_file\n")
    server = own_server("--config", str(file), PUBLISH_TOKEN=" ")
    assert curl(f"{server.url}/{topic}", body="x").status == 401


@pytest.mark.parametrize("line, key", [("MAX_TXT=300", "MAX_TXT"), ("no assignment", "CRIER_CONFIG"), ("=1", "")])
def test_a_line_of_the_file_that_sets_nothing_is_named(tmp_path, line, key):
    file = tmp_path / "crier.conf"
    file.write_text(f"# A comment\nMAX_TEXT=300\n{line}\n")
    done = run_serve("--config", str(file))
    assert (done.returncode, done.stdout) == (64, "")
    first = done.stderr.splitlines()[0]
    assert str(file) in first and "line 3" in first and key in first, done.stderr
    # It may be a line of a secret.
    assert line not in first, done.stderr


def test_the_log_is_one_json_object_a_line(own_server, topic):
    server = own_server(LOG_FORMAT="json", LOG_LEVEL="debug", FLY_REGION="syd", FLY_ALLOC_ID="vm-1")
    with Duplex(server) as reader:
        reader.ask("subscribe", topics=[topic])
        reader.ask("publish", topic=topic, message='new\nline "quoted" \u2028 👽')
        curl(f"{server.url}/{topic}/nothing%0Ahere")
    server.stop()
    lines = log_lines(server)
    for line in lines:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"]), line
        assert line["level"] in ("trace", "debug", "info", "notice", "warning", "error", "critical"), line
        assert line["message"], line
        assert (line.get("vm"), line.get("region")) == ("vm-1", "syd"), line
    messages = [line["message"] for line in lines]
    assert [message for message in messages if message in ("listening", "subscribed", "leaving", "subscription deleted", "left")] == [
        "listening",
        "subscribed",
        "leaving",
        "subscription deleted",
        "left",
    ]


def test_the_log_is_text_where_that_is_asked_for(own_server):
    server = own_server(LOG_FORMAT="text")
    assert re.search(r"^\S+ info .*listening", server.log, re.MULTILINE), server.log
    assert "{" not in server.log


def test_half_a_request_is_given_five_seconds(server):
    """Each byte that trickles in buys no more time."""
    with socket.create_connection(("127.0.0.1", server.port)) as peer:
        peer.settimeout(0.25)
        peer.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        began = time.monotonic()
        answer = None
        while answer is None and time.monotonic() < began + PATIENCE:
            with contextlib.suppress(TimeoutError):
                answer = peer.recv(65536)
            if answer is None:
                peer.sendall(b"x")
        waited = time.monotonic() - began
    assert answer and answer.startswith(b"HTTP/1.1 408 "), answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == 40801
    assert 4 < waited < 8


def test_idle_connections_hinder_nobody_and_are_ended(own_server, topic):
    server = own_server()
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)) for _ in range(200)]
        for peer in idle[:100]:
            peer.sendall(b"POST /")
        began = time.monotonic()
        with Duplex(server) as reader:
            reader.ask("subscribe", topics=[topic])
            assert published(server, topic, "x") == reader.message()["id"]
        assert time.monotonic() - began < 3
        for peer in idle:
            while peer.recv(4096):
                pass
        assert 4 < time.monotonic() - began < 10
    assert curl(f"{server.url}/health").status == 200


def come_and_go(server, topic: str) -> None:
    """500 readers of all forms at once. A third each says farewell, just goes, and resets its connection."""
    with contextlib.ExitStack() as stack:
        peers = []
        for number in range(500):
            path = ("/ws", f"/{topic}/ws", f"/{topic}/sse", f"/{topic}/json", f"/{topic}/raw")[number % 5]
            peers.append(stack.enter_context(raw_socket(server, path) if path.endswith("ws") else raw_request(server, path)))
        wait_until(lambda: curl(f"{server.url}/ready").json["sockets"] == 500, "500 readers")
        published(server, topic, "x" * 1000)
        for number, peer in enumerate(peers):
            if number % 3 == 0:
                peer.sendall(b"\x88\x80\0\0\0\0")
                peer.shutdown(socket.SHUT_WR)
            elif number % 3 == 1:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_sockets_that_come_and_go_leave_nothing(own_server, topic):
    server = own_server()

    def figures() -> tuple[float, float, float]:
        _, samples = scrape(server)
        readers = sum(value for (name, _), value in samples.items() if name == "crier_sockets")
        return readers, samples["process_open_fds", ()], samples["process_resident_memory_bytes", ()]

    figures()
    _, descriptors, _ = figures()
    memory = []
    for _ in range(4):
        come_and_go(server, topic)
        wait_until(lambda: figures()[:2] == (0, descriptors), lambda: f"no readers and {descriptors} descriptors; now {figures()}")
        memory.append(figures()[2])
    assert memory[-1] - memory[0] < 8 << 20, memory
