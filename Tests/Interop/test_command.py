"""The commands `publish`, `subscribe` and `vms` against the real server, as a shell uses them."""

import contextlib
import json
import os
import queue
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from crier_server import CRASH, REPOSITORY, free_port
from curl import curl
from log_order import ID, assert_log_order
from severable_wire import SeverableWire
from waiting import PATIENCE, wait_until

BINARY = REPOSITORY / os.environ.get("CRIER_BIN", ".build/release/crier")


def surroundings(url: str | None, **environment: str) -> dict[str, str]:
    server = {"CRIER_URL": url} if url else {}
    return {"PATH": os.environ["PATH"], **server, **environment}


def crier(*arguments: str, url: str | None = None, input: str | bytes = "", **environment: str) -> subprocess.CompletedProcess:
    """One command, from its start to its end; what it prints is UTF-8."""
    done = subprocess.run(
        [BINARY, *arguments],
        env=surroundings(url, **environment),
        input=input.encode() if isinstance(input, str) else input,
        capture_output=True,
        timeout=PATIENCE * 2,
        check=False,
    )
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    assert not CRASH.search(done.stderr), done.stderr
    return done


class Running:
    """A command that goes on by itself. Its lines come one at a time; it is ended on leaving."""

    def __init__(self, *arguments: str, url: str, stdout: int = subprocess.PIPE, **environment: str):
        self.process = subprocess.Popen(
            [BINARY, *arguments], env=surroundings(url, **environment), stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE
        )
        self._lines: queue.Queue[str | None] = queue.Queue(maxsize=10_000)
        self.notes: list[str] = []
        self._threads = [threading.Thread(target=self._read_notes, daemon=True)]
        if self.process.stdout:
            self._threads.append(threading.Thread(target=self._read_lines, daemon=True))
        for thread in self._threads:
            thread.start()

    def _read_lines(self) -> None:
        for line in self.process.stdout:
            self._lines.put(line.decode().removesuffix("\n"))
        self._lines.put(None)

    def _read_notes(self) -> None:
        for line in self.process.stderr:
            self.notes.append(line.decode().rstrip("\n"))

    def line(self) -> str | None:
        """The next line of output, or None at its end."""
        try:
            return self._lines.get(timeout=PATIENCE)
        except queue.Empty:
            raise AssertionError(f"no line came within {PATIENCE} s; notes: {self.notes}") from None

    def alert(self) -> dict:
        line = self.line()
        assert line is not None, self.notes
        return json.loads(line)

    def note(self, text: str, count: int = 1) -> None:
        """Waits until so many lines of standard error contain the text."""
        wait_until(lambda: sum(text in note for note in self.notes) >= count, lambda: f"{count} × “{text}” among {self.notes}")

    def ended(self, within: float = PATIENCE) -> int:
        """The exit status, once everything that it printed was read."""
        status = self.process.wait(within)
        for thread in self._threads:
            thread.join(PATIENCE)
        assert not CRASH.search("\n".join(self.notes)), self.notes
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join(PATIENCE)
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()


def held(server, topic: str) -> list[dict]:
    """The topic's alerts. Not by splitlines: the texts may have other characters that Python takes for ends of lines."""
    lines = curl(f"{server.url}/{topic}/json?poll=1").body.decode().split("\n")
    return [event for event in map(json.loads, filter(None, lines)) if event["event"] == "message"]


def raised(server, topic: str, message: str, *arguments: str) -> str:
    """The id of an alert that curl publishes."""
    answer = curl(*arguments, f"{server.url}/{topic}", body=message)
    assert answer.status == 200, answer.body
    return answer.json["id"]


# crier


def test_help_and_version():
    help = crier("--help")
    assert help.returncode == 0 and help.stderr == ""
    for name in ("serve", "publish", "subscribe", "vms", "bench"):
        assert re.search(rf"^  {name}\b", help.stdout, re.MULTILINE), name
        of_command = crier(name, "--help")
        assert of_command.returncode == 0 and f"USAGE: crier {name}" in of_command.stdout
    version = crier("--version")
    assert version.returncode == 0 and re.fullmatch(r"\d+\.\d+\.\d+\n", version.stdout)


@pytest.mark.parametrize(
    "arguments, fault",
    [
        (["publish"], "<topic>"),
        (["publish", "a b", "x"], "a b"),
        (["publish", "t", "x", "--priority", "9"], "9"),
        (["publish", "t", "x", "--key", ""], "key"),
        (["publish", "t", "x", "--data", "{"], "{"),
        (["publish", "t", "x", "--retry-for", "-1"], "retry-for"),
        (["publish", "t", "x", "--server", "ftp://localhost"], "ftp://localhost"),
        (["subscribe"], "<topic>"),
        (["subscribe", "*", "t"], "*"),
        (["subscribe", "t", "--count", "0"], "--count"),
        (["bench", "--sockets", "0"], "--sockets"),
        (["publish", "t", "x", "--loud"], "--loud"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_usage_is_named(arguments, fault):
    done = crier(*arguments)
    assert done.returncode == 64 and done.stdout == ""
    assert fault in done.stderr.splitlines()[0], done.stderr


# publish


def test_publish_prints_the_id(server, topic):
    done = crier("publish", topic, "Aliens", "over", "Sydney 👽", url=server.url)
    assert (done.returncode, done.stderr) == (0, "")
    (alert,) = held(server, topic)
    assert done.stdout == alert["id"] + "\n"
    assert alert["message"] == "Aliens over Sydney 👽"


def test_publish_all_fields(server, topic):
    options = ["--title", "Tïtle", "--priority", "high", "--tags", "a,b", "--tags", "c", "--click", "https://example.com/", "--markdown"]
    done = crier("publish", *options, "--data", '{"n":[1,null]}', "--expires", "1h", "--server", server.url, topic, "x")
    assert done.returncode == 0, done.stderr
    (alert,) = held(server, topic)
    assert (alert["title"], alert["priority"], alert["tags"]) == ("Tïtle", 4, ["a", "b", "c"])
    assert (alert["click"], alert["markdown"], alert["data"]) == ("https://example.com/", True, {"n": [1, None]})
    assert 3500 < alert["expires"] - alert["time"] <= 3600


def test_publish_reads_standard_input(server, topic):
    assert crier("publish", topic, url=server.url, input="first\nsecond\n").returncode == 0
    assert crier("publish", topic, "-", url=server.url, input="dash").returncode == 0
    assert [alert["message"] for alert in held(server, topic)] == ["first\nsecond", "dash"]
    done = crier("publish", topic, url=server.url, input=b"\xff")
    assert (done.returncode, done.stdout) == (65, "") and "UTF-8" in done.stderr
    assert len(held(server, topic)) == 2


def test_publish_json_is_the_servers_answer(server, topic):
    done = crier("publish", topic, "x", "--json", url=server.url)
    assert (done.returncode, json.loads(done.stdout)) == (0, held(server, topic)[0])
    later = crier("publish", topic, "x", "--delay", "1h", "--json", url=server.url)
    assert json.loads(later.stdout)["event"] == "scheduled"


def test_publish_with_the_same_key_raises_one_alert(server, topic):
    first, again = (crier("publish", topic, "x", "--key", "k-1", url=server.url) for _ in range(2))
    assert first.returncode == again.returncode == 0
    assert first.stdout == again.stdout and ID.fullmatch(first.stdout.strip())
    assert first.stderr == "" and "nothing new was raised" in again.stderr
    assert len(held(server, topic)) == 1
    assert crier("publish", topic, "x", url=server.url).stdout != crier("publish", topic, "x", url=server.url).stdout


@pytest.mark.parametrize("key", ["!", "~" * 128, "with a blank", "tab\t", "k" * 129, "ö"])
def test_publish_and_the_server_agree_about_keys(server, topic, key):
    done = crier("publish", topic, "x", "--key", key, url=server.url)
    assert done.returncode in (0, 64), f"the command let a key through that the server refuses: {done.stderr}"
    assert (done.returncode == 0) == (len(held(server, topic)) == 1)


def test_publish_that_is_refused(server, topic):
    done = crier("publish", topic, "x" * 4097, url=server.url)
    assert (done.returncode, done.stdout) == (65, "")
    assert "(41301)" in done.stderr and held(server, topic) == []


def test_publish_with_a_token(own_server, topic):
    server = own_server(PUBLISH_TOKEN="tk_0123456789abcdef")
    began = time.monotonic()
    for wrong in ({}, {"CRIER_TOKEN": "wrong"}):
        done = crier("publish", topic, "x", url=server.url, **wrong)
        assert (done.returncode, done.stdout) == (65, "") and "(40101)" in done.stderr
    assert time.monotonic() - began < 5, "what is refused is not tried again"
    assert crier("publish", topic, "x", url=server.url, CRIER_TOKEN="tk_0123456789abcdef").returncode == 0
    assert crier("publish", topic, "x", "--token", "tk_0123456789abcdef", url=server.url).returncode == 0


def test_publish_without_a_server(topic):
    began = time.monotonic()
    done = crier("publish", topic, "x", "--retry-for", "1", url=f"http://127.0.0.1:{free_port()}")
    assert (done.returncode, done.stdout) == (69, "")
    assert "Connection refused" in done.stderr.splitlines()[-1] and "not published" in done.stderr.splitlines()[-1]
    assert time.monotonic() - began < 5


def test_publish_waits_for_a_server_that_restarts(own_server, topic):
    server = own_server()
    server.kill()
    with Running("publish", topic, "patience", "--retry-for", "60", url=server.url) as publisher:
        publisher.note("again in")
        server.start()
        assert ID.fullmatch(publisher.line())
        assert publisher.ended() == 0
    assert [alert["message"] for alert in held(server, topic)] == ["patience"]


def relay_once(server, keys: list[str], listener: socket.socket) -> None:
    """Hands two requests on to the server, and the first one's answer to nobody."""
    for number in range(2):
        near, _ = listener.accept()
        with near, near.makefile("rb") as request:
            lines = []
            while not lines or lines[-1] not in (b"\r\n", b""):
                lines.append(request.readline())
            length = next(int(line.split(b":")[1]) for line in lines if line.lower().startswith(b"content-length:"))
            body = request.read(length)
            keys.append(json.loads(body)["key"])
            answer = curl("-H", "Content-Type: application/json", server.url, body=body)
            if number:
                head = f"HTTP/1.1 {answer.status} OK\r\nContent-Length: {len(answer.body)}\r\nConnection: close\r\n\r\n"
                near.sendall(head.encode() + answer.body)


def test_publish_raises_one_alert_when_the_answer_is_lost(server, topic):
    keys: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        relay = threading.Thread(target=relay_once, args=(server, keys, listener))
        relay.start()
        done = crier("publish", topic, "once", url=f"http://127.0.0.1:{listener.getsockname()[1]}")
        relay.join(PATIENCE * 3)
        assert not relay.is_alive()
    assert done.returncode == 0, done.stderr
    assert len(keys) == 2 and keys[0] == keys[1]
    (alert,) = held(server, topic)
    assert done.stdout == alert["id"] + "\n"


# subscribe


def test_subscribe_prints_a_line_an_alert(server, topic):
    with Running("subscribe", topic, url=server.url) as reader:
        reader.note("connected")
        first = raised(server, topic, "Aliens over Sydney", "-H", "Title: Alien landing!", "-H", "Priority: 4")
        second = raised(server, topic, "plain")
        time_ = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
        assert re.fullmatch(rf"{time_}  {topic}  local  \[4\] Alien landing!: Aliens over Sydney  \({first}\)", reader.line())
        assert re.fullmatch(rf"{time_}  {topic}  local  \[3\] plain  \({second}\)", reader.line())


def test_subscribe_json_is_the_alert_as_it_is(server, topic):
    ids = [raised(server, topic, text) for text in ("one", "two 👽\x1b[31m\u0085", "three")]
    done = crier("subscribe", topic, "--json", "--since", "all", "--count", "3", url=server.url)
    assert done.returncode == 0, done.stderr
    alerts = [json.loads(line) for line in done.stdout.removesuffix("\n").split("\n")]
    assert alerts == held(server, topic)
    assert [alert["id"] for alert in alerts] == ids


def test_subscribe_begins_where_it_is_told_to_and_ends_after_a_count(server, topic):
    ids = [raised(server, topic, str(number)) for number in range(4)]

    def printed(*options: str) -> list[str]:
        done = crier("subscribe", topic, "--json", *options, url=server.url)
        assert done.returncode == 0, done.stderr
        return [json.loads(line)["id"] for line in done.stdout.splitlines()]

    assert printed("--since", "all", "--count", "2") == ids[:2]
    assert printed("--since", ids[1], "--count", "2") == ids[2:]
    assert printed("--since", "10m", "--count", "4") == ids
    assert printed("--since", "latest", "--count", "1") == ids[3:]


def test_subscribe_to_several_topics_with_filters(server, topic):
    options = ["--json", "--filter-priority", "4,5", "--filter-tags", "x"]
    with Running("subscribe", f"{topic}-1,{topic}-2", f"{topic}-3", *options, url=server.url) as reader:
        reader.note("connected")
        urgent = ("-H", "Priority: 5", "-H", "Tags: x,y")
        raised(server, f"{topic}-1", "too low", "-H", "Tags: x")
        raised(server, f"{topic}-2", "untagged", "-H", "Priority: 5")
        raised(server, f"{topic}-4", "elsewhere", *urgent)
        wanted = [raised(server, f"{topic}-{number}", "wanted", *urgent) for number in (1, 2, 3)]
        assert [reader.alert()["id"] for _ in wanted] == wanted


def test_subscribe_that_is_refused(server, topic):
    done = crier("subscribe", topic, "--since", "tomorrow-ish", url=server.url)
    assert (done.returncode, done.stdout) == (65, "") and "(40005)" in done.stderr


def test_subscribe_without_a_server(topic):
    done = crier("subscribe", topic, "--no-reconnect", url=f"http://127.0.0.1:{free_port()}")
    assert (done.returncode, done.stdout) == (69, "") and "Connection refused" in done.stderr


def test_subscribe_goes_on_where_it_was_when_the_network_comes_back(server, topic):
    wire = SeverableWire(server.port)
    try:
        with Running("subscribe", topic, "--json", url=f"http://127.0.0.1:{wire.port}") as reader:
            reader.note("connected")
            ids = [raised(server, topic, str(number)) for number in range(5)]
            printed = [reader.alert()["id"] for _ in range(5)]
            wire.cut()
            reader.note("reconnecting in")
            ids += [raised(server, topic, f"missed {number}") for number in range(20)]
            wire.mend()
            reader.note("connected", 2)
            ids.append(raised(server, topic, "live"))
            printed += [reader.alert()["id"] for _ in range(21)]
            assert printed == ids
            assert not any("reset (" in note for note in reader.notes), reader.notes
    finally:
        wire.close()


def test_subscribe_outlives_a_crash_of_the_server(own_server, topic):
    server = own_server()
    with Running("subscribe", topic, "--json", "--count", "3", url=server.url) as reader:
        reader.note("connected")
        ids = [raised(server, topic, "before")]
        assert reader.alert()["id"] == ids[0]
        server.kill()
        reader.note("reconnecting in")
        server.start()
        ids.append(raised(server, topic, "maybe before it is back"))
        reader.note("reset (epoch)")
        ids.append(raised(server, topic, "after"))
        assert [reader.alert()["id"], reader.alert()["id"]] == ids[1:]
        assert_log_order(ids)
        assert reader.ended() == 0


def test_subscribe_follows_a_server_that_leaves_and_comes_back(own_server, topic):
    server = own_server()
    with Running("subscribe", topic, "--json", url=server.url) as reader:
        reader.note("connected")
        server.stop()
        reader.note("the server is leaving; reconnecting in")
        server.start()
        after = raised(server, topic, "after")
        assert reader.alert()["id"] == after


def test_subscribe_ends_with_its_pipe(server, topic):
    """`crier subscribe … | head -1`, on a topic that is silent afterwards."""
    reading, writing = os.pipe()
    with Running("subscribe", topic, url=server.url, stdout=writing) as reader:
        os.close(writing)
        with subprocess.Popen(["head", "-1"], stdin=reading, stdout=subprocess.PIPE) as head:
            os.close(reading)
            reader.note("connected")
            only = raised(server, topic, "only")
            assert only in head.communicate(timeout=PATIENCE)[0].decode()
        assert reader.ended(within=5) == 0
        assert all("connected" in note for note in reader.notes), reader.notes


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_subscribe_ends_at_once_on_a_signal(server, topic, number):
    with Running("subscribe", topic, url=server.url) as reader:
        reader.note("connected")
        reader.process.send_signal(number)
        assert reader.ended(within=2) in (-number, 128 + number)
        assert all("connected" in note for note in reader.notes), reader.notes


HARMFUL = "a\x1b[2Jb\x07c\rd\ne\x7ff\u0085g\u202eh\u2028i"


def test_subscribe_escapes_what_could_harm_a_terminal(server, topic):
    fields = json.dumps({"topic": topic, "message": HARMFUL, "title": "t\x1b]0;x\x07"})
    assert curl("-H", "Content-Type: application/json", server.url, body=fields).status == 200
    done = crier("subscribe", topic, "--since", "all", "--count", "1", url=server.url)
    assert done.returncode == 0
    escaped = r"t\u{1b}]0;x\u{7}: a\u{1b}[2Jb\u{7}c\rd\ne\u{7f}f\u{85}g\u{202e}h\u{2028}i"
    assert escaped in done.stdout
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", done.stdout) and done.stdout.count("\n") == 1


def test_subscribe_escapes_json_for_a_terminal_only(server, topic):
    raised(server, topic, HARMFUL)
    near, far = os.openpty()
    try:
        with Running("subscribe", topic, "--json", "--since", "all", "--count", "1", url=server.url, stdout=far) as reader:
            os.close(far)
            shown = b""
            # The end of a terminal is an error on Linux.
            with contextlib.suppress(OSError):
                while data := os.read(near, 65536):
                    shown += data
            assert reader.ended() == 0
    finally:
        os.close(near)
    text = shown.decode()
    assert json.loads(text)["message"] == HARMFUL
    assert not re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u202e]", text), text


# vms


def test_vms_lists_the_vm(server):
    lines = crier("vms", "--server", server.url).stdout.splitlines()
    assert lines[0].split() == ["ID", "REGION", "SOCKETS", "POSITION", "LAG", "AGE"]
    assert len(lines) == 2
    assert ID.fullmatch(lines[1].split()[3])
    (vm,) = json.loads(crier("vms", "--server", server.url, "--json").stdout)["vms"]
    assert vm["subscription"] == f"ID_{vm['id']}" and vm["id"] == lines[1].split()[0]


def test_vms_without_a_server():
    done = crier("vms", "--server", f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 69 and "no answer" in done.stderr
