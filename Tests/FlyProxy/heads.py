"""HTTP/1.1 heads: read strictly, so that no two readers understand one differently, and written."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_TARGET = re.compile(r"[\x21-\x7e\x80-\xff]+")
_REQUEST_LINE = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP/1\.([01])")
_STATUS_LINE = re.compile(r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?")

# What concerns one connection only and is never passed on.
_HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "upgrade"}


class HeadError(Exception):
    """A head that is not passed on. `status` is what a client is refused with."""

    def __init__(self, reason: str, status: int = 400):
        super().__init__(reason)
        self.status = status


@dataclass
class Headers:
    """Fields in their order and letter case; looked up in any."""

    fields: list[tuple[str, str]] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name]

    def get(self, name: str) -> str | None:
        """The first of that name, which is given in lower case."""
        return next(iter(self.all(name)), None)

    def tokens(self, name: str) -> list[str]:
        """A list's members in lower case."""
        return [token for value in self.all(name) for token in (part.strip().lower() for part in value.split(",")) if token]

    def without(self, names: Collection[str]) -> "Headers":
        return Headers([(key, value) for key, value in self.fields if key.lower() not in names])

    def adding(self, fields: Iterable[tuple[str, str]]) -> "Headers":
        return Headers([*self.fields, *fields])

    def setting(self, fields: Iterable[tuple[str, str]]) -> "Headers":
        """In place of what is there under these names."""
        new = list(fields)
        return self.without({name.lower() for name, _ in new}).adding(new)

    def end_to_end(self) -> "Headers":
        """Without what concerns one connection only."""
        return self.without(_HOP_BY_HOP | (set(self.tokens("connection")) - {"transfer-encoding", "content-length", "host"}))

    def encoded(self) -> str:
        return "".join(f"{name}: {value}\r\n" for name, value in self.fields)


@dataclass
class RequestHead:
    method: str
    target: str
    minor: int
    headers: Headers

    @property
    def keeps_alive(self) -> bool:
        connection = self.headers.tokens("connection")
        return "close" not in connection and (self.minor == 1 or "keep-alive" in connection)

    @property
    def upgrade(self) -> str | None:
        """The protocol that the client asks for in place of HTTP."""
        return self.headers.get("upgrade") if "upgrade" in self.headers.tokens("connection") and self.minor == 1 else None

    def encoded(self) -> bytes:
        return f"{self.method} {self.target} HTTP/1.{self.minor}\r\n{self.headers.encoded()}\r\n".encode("latin-1")


@dataclass
class ResponseHead:
    minor: int
    status: int
    reason: str
    headers: Headers

    def encoded(self) -> bytes:
        return f"HTTP/1.1 {self.status} {self.reason}\r\n{self.headers.encoded()}\r\n".encode("latin-1")


def parse_request(block: bytes) -> RequestHead:
    """Of a block that ends with the empty line. HeadError where it is not exactly what RFC 9112 writes."""
    line, fields = _lines(block)
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        raise HeadError("the request line is malformed")
    head = RequestHead(match[1], match[2], int(match[3]), _headers(fields))
    if head.method == "CONNECT":
        raise HeadError("CONNECT is not for this proxy", 405)
    if len(head.headers.all("host")) != 1 and (head.minor == 1 or head.headers.all("host")):
        raise HeadError("there has to be one Host")
    if len(head.headers.all("upgrade")) > 1:
        raise HeadError("there may be one Upgrade")
    return head


def parse_response(block: bytes) -> ResponseHead:
    line, fields = _lines(block)
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        raise HeadError("the status line is malformed")
    return ResponseHead(int(match[1]), int(match[2]), match[3] or "", _headers(fields))


def is_field(name: str, value: str) -> bool:
    """Whether it can be written into a head as it is."""
    return _TOKEN.fullmatch(name) is not None and _VALUE.fullmatch(value) is not None and value == value.strip(" \t")


def is_target(text: str) -> bool:
    """Whether it can stand in a request line as a path."""
    return text.startswith("/") and _TARGET.fullmatch(text) is not None


def _lines(block: bytes) -> tuple[str, list[str]]:
    text = block.decode("latin-1")
    if not text.endswith("\r\n\r\n"):
        raise HeadError("the head's lines do not end with CR LF")
    line, *fields = text[:-4].split("\r\n")
    return line, fields


def _headers(lines: list[str]) -> Headers:
    headers = Headers()
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
            raise HeadError("a header field is malformed")
        headers.fields.append((name, value.strip(" \t")))
    return headers
