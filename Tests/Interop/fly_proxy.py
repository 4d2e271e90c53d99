"""The stand-in for Fly's proxy (Tests/FlyProxy) in a process of its own, and a client that sees every byte of its answers."""

import http.client
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
from typing import NamedTuple

from crier_server import REPOSITORY, free_port
from waiting import PATIENCE, wait_until


class Place(NamedTuple):
    """Where a backend is."""

    id: str
    region: str
    port: int


class FlyProxy:
    def __init__(self, *places: Place, region: str = "dfw", flags: tuple[str, ...] = ()):
        self.port = free_port()
        self.control_port = free_port()
        self.flags = ["--port", str(self.port), "--control", str(self.control_port), "--region", region, *flags]
        for place in places:
            self.flags += ["--backend", f"id={place.id},region={place.region},port={place.port}"]
        self.folder = tempfile.TemporaryDirectory(prefix="fly-proxy-")
        self.log = pathlib.Path(self.folder.name, "hops")
        self.errors = pathlib.Path(self.folder.name, "errors")
        self.process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "FlyProxy":
        program = [sys.executable, "-W", "error", REPOSITORY / "Tests/FlyProxy", *self.flags, "--log", self.log]
        with self.errors.open("wb") as errors:
            environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
            self.process = subprocess.Popen(program, env=environment, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
        try:
            wait_until(self._answers, lambda: f"the proxy; {self.errors.read_text()}")
        except BaseException:
            self._end()
            raise
        return self

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.errors.read_text()
        try:
            return bool(self.table())
        except OSError:
            return False

    def __exit__(self, kind, *_) -> None:
        status, said = self._end()
        if kind is None:
            assert status == 0, said
            assert said.count("\n") == 1 and said.startswith("in front of "), f"it complained: {said}"

    def _end(self) -> tuple[int, str]:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        said = self.errors.read_text()
        self.folder.cleanup()
        return status, said

    def ask_control(self, method: str, path: str, body: str | None = None) -> tuple[int, dict]:
        connection = http.client.HTTPConnection("127.0.0.1", self.control_port, timeout=PATIENCE)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def table(self) -> dict:
        return self.ask_control("GET", "/")[1]

    def control(self, path: str, **members: object) -> dict:
        status, answer = self.ask_control("POST", path, json.dumps(members))
        assert status == 200, (path, members, answer)
        return answer

    def pin(self, identifier: str, count: int = 1) -> None:
        self.control("/pin-next", id=identifier, count=count)

    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def hops(self, request_id: str) -> list[dict]:
        """The hops of one request, in order. They are logged before its answer goes out."""
        return [line for line in self.lines() if line["request"] == request_id and line["hop"] is not None]

    def connect(self) -> "RawClient":
        return RawClient(self.port)

    def ask(self, target: str = "/", method: str = "GET", headers: dict[str, str] | None = None, body: bytes | None = None) -> "RawAnswer":
        """One request on a connection of its own."""
        with self.connect() as client:
            client.request(target, method, headers, body)
            return client.answer(method)


class RawHead(NamedTuple):
    status: int
    headers: dict[str, list[str]]
    raw: bytes


class RawAnswer(NamedTuple):
    status: int
    headers: dict[str, list[str]]
    body: bytes
    raw: bytes

    @property
    def request_id(self) -> str:
        return self.headers["fly-request-id"][0]


class RawClient:
    """A connection whose bytes are read as they are, so that nothing that came is hidden."""

    def __init__(self, port: int, receive_buffer: int | None = None):
        self.socket = socket.socket()
        self.socket.settimeout(PATIENCE)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", port))
        self.received = b""

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def request(self, target: str = "/", method: str = "GET", headers: dict[str, str] | None = None, body: bytes | None = None) -> None:
        fields = {"Host": "crier.test", **(headers or {})}
        if body is not None:
            fields["Content-Length"] = str(len(body))
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.send(f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + (body or b""))

    def upgrade(self, target: str = "/ws", headers: dict[str, str] | None = None) -> None:
        handshake = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        self.request(target, headers={**handshake, **(headers or {})})

    def more(self) -> bool:
        """Reads once; false at the end."""
        piece = self.socket.recv(65536)
        self.received += piece
        return bool(piece)

    def exactly(self, count: int) -> bytes:
        while len(self.received) < count:
            assert self.more(), f"the connection ended after {self.received!r}"
        taken, self.received = self.received[:count], self.received[count:]
        return taken

    def until(self, mark: bytes) -> bytes:
        while mark not in self.received:
            assert self.more(), f"the connection ended after {self.received!r}"
        return self.exactly(self.received.index(mark) + len(mark))

    def rest(self) -> bytes:
        """Everything up to the connection's end."""
        while self.more():
            pass
        taken, self.received = self.received, b""
        return taken

    def head(self) -> RawHead:
        raw = self.until(b"\r\n\r\n")
        line, *fields = raw.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        headers: dict[str, list[str]] = {}
        for each in fields:
            name, colon, value = each.partition(":")
            assert colon and "\n" not in each, raw
            headers.setdefault(name.lower(), []).append(value.strip())
        version, status, *_ = line.split(" ")
        assert version == "HTTP/1.1", line
        return RawHead(int(status), headers, raw)

    def answer(self, method: str = "GET") -> RawAnswer:
        """One final answer, its body out of its chunks. What follows a 101 is left to be read."""
        head = self.head()
        while head.status < 200 and head.status != 101:
            head = self.head()
        body = b""
        if head.status in (101, 204, 304) or method == "HEAD":
            pass
        elif "chunked" in head.headers.get("transfer-encoding", []):
            while size := int(self.until(b"\r\n").partition(b";")[0], 16):
                body += self.exactly(size)
                assert self.exactly(2) == b"\r\n"
            assert self.exactly(2) == b"\r\n"
        elif "content-length" in head.headers:
            body = self.exactly(int(head.headers["content-length"][0]))
        else:
            body = self.rest()
        return RawAnswer(head.status, head.headers, body, head.raw)
