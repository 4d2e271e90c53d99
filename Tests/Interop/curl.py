"""curl, as a publisher and as a reader of streams."""

import json
import queue
import subprocess
import threading
from dataclasses import dataclass
from typing import Any

from waiting import PATIENCE


@dataclass
class Answer:
    status: int
    headers: dict[str, list[str]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def lines(self) -> list[Any]:
        """The JSON values of a body with one a line."""
        return [json.loads(line) for line in self.body.decode().split("\n") if line]

    def header(self, name: str) -> str:
        return ", ".join(self.headers.get(name.lower(), []))


def curl(*arguments: str, body: bytes | str | None = None, upload: str | None = None) -> Answer:
    """One request. `arguments` are curl's own; `body` is sent as it is; `upload` is curl's standard input and nothing more."""
    command = ["curl", "--silent", "--show-error", "--max-time", str(PATIENCE)]
    command += ["--write-out", '%{stderr}{"status":%{http_code},"headers":%{header_json}}']
    if body is not None:
        # No "Expect: 100-continue" for long bodies, and no Content-Type unless the test gives one.
        command += ["--data-binary", "@-", "-H", "Expect:"]
        if not any(argument.lower().startswith("content-type") for argument in arguments):
            command += ["-H", "Content-Type:"]
    data = body if upload is None else upload
    data = data.encode() if isinstance(data, str) else data
    done = subprocess.run([*command, *arguments], input=data, capture_output=True, check=False)
    assert done.returncode == 0, f"curl {arguments}: {done.stderr.decode()}"
    meta = json.loads(done.stderr)
    return Answer(meta["status"], meta["headers"], done.stdout)


class CurlStream:
    """A stream that curl reads; its lines come one at a time. A context manager: curl is ended on leaving."""

    def __init__(self, url: str, *arguments: str):
        self._process = subprocess.Popen(
            ["curl", "--silent", "--show-error", "--no-buffer", "--fail", "--max-time", "120", *arguments, url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._lines: queue.Queue[str | None] = queue.Queue(maxsize=10_000)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            self._lines.put(line.decode().rstrip("\r\n"))
        self._lines.put(None)

    def line(self, within: float = PATIENCE) -> str:
        """The next line, which may be empty. Fails at the stream's end."""
        try:
            line = self._lines.get(timeout=within)
        except queue.Empty:
            raise AssertionError(f"no line came within {within} s") from None
        assert line is not None, f"the stream ended: {self._process.stderr.read().decode()}"
        return line

    def drain(self, within: float = PATIENCE) -> list[str]:
        """All lines until the server ends the stream."""
        lines = []
        while True:
            try:
                line = self._lines.get(timeout=within)
            except queue.Empty:
                raise AssertionError(f"the stream did not end within {within} s") from None
            if line is None:
                return lines
            lines.append(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._reader.join(PATIENCE)
        self._process.stdout.close()
        self._process.stderr.close()


class JSONStream(CurlStream):
    """`/json`, as events. On entering, the stream is open: nothing published from then on can be missed."""

    def __init__(self, url: str, *arguments: str):
        super().__init__(url, *arguments)
        self.events: list[dict] = []
        self.opened: dict = {}

    def __enter__(self):
        try:
            self.opened = self.next("open")
        except BaseException:
            self.__exit__()
            raise
        return self

    def next(self, *kinds: str, within: float = PATIENCE) -> dict:
        """The next event of one of these kinds; others are kept in `events` and passed over."""
        while True:
            event = json.loads(self.line(within))
            self.events.append(event)
            if event["event"] in kinds:
                return event

    def message(self, within: float = PATIENCE) -> dict:
        return self.next("message", within=within)

    def messages(self, count: int) -> list[dict]:
        return [self.message() for _ in range(count)]


class SSEStream(CurlStream):
    """`/sse`, dispatched as the WHATWG specification says. Each event is a dictionary of its fields."""

    def next(self, within: float = PATIENCE) -> dict[str, str]:
        fields: dict[str, str] = {}
        while True:
            line = self.line(within)
            if not line:
                if fields:
                    return fields
                continue
            if line.startswith(":"):
                continue
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            fields[name] = f"{fields[name]}\n{value}" if name == "data" and name in fields else value

    def message(self, within: float = PATIENCE) -> tuple[dict[str, str], dict]:
        """The next event that a browser would dispatch as `message`, and its JSON."""
        while True:
            fields = self.next(within)
            if "event" not in fields and "data" in fields:
                return fields, json.loads(fields["data"])
