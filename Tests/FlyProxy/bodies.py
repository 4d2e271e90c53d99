"""Where a message's body ends. Bodies are passed on as they came, chunks included; a scanner only follows along."""

import re

from heads import HeadError, Headers, RequestHead, ResponseHead
from limits import CHUNK_LINE_BYTES, TRAILER_BYTES

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,12})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")


class BodyError(Exception):
    """The bytes are no body of the promised form."""


class FixedBody:
    """A body of a known length, or none."""

    def __init__(self, length: int):
        self._left = length
        self.payload = 0

    @property
    def is_done(self) -> bool:
        return self._left == 0

    def feed(self, data: bytes) -> int:
        """How many of these bytes belong to the body."""
        taken = min(self._left, len(data))
        self._left -= taken
        self.payload += taken
        return taken


class EndlessBody:
    """A body that ends with its connection."""

    is_done = False
    payload = 0

    def feed(self, data: bytes) -> int:
        return len(data)


class ChunkedBody:
    """A chunked body, trailers included. `payload` counts what the chunks hold."""

    def __init__(self) -> None:
        self.payload = 0
        self.is_done = False
        self._left = 0
        self._line = b""
        self._take_line = self._size
        self._trailers = 0

    def feed(self, data: bytes) -> int:
        at = 0
        while at < len(data) and not self.is_done:
            if self._left:
                taken = min(self._left, len(data) - at)
                self._left -= taken
                self.payload += taken
                at += taken
                continue
            end = data.find(b"\n", at) + 1
            self._line += data[at : end or len(data)]
            at = end or len(data)
            if len(self._line) > CHUNK_LINE_BYTES:
                raise BodyError("a chunk's line is too long")
            if end:
                line, self._line = self._line, b""
                self._take_line(line)
        return at

    def _size(self, line: bytes) -> None:
        match = _CHUNK_SIZE.fullmatch(line)
        if match is None:
            raise BodyError("a chunk's size is malformed")
        self._left = int(match[1], 16)
        self._take_line = self._after_chunk if self._left else self._trailer

    def _after_chunk(self, line: bytes) -> None:
        if line != b"\r\n":
            raise BodyError("a chunk is longer than its size")
        self._take_line = self._size

    def _trailer(self, line: bytes) -> None:
        self._trailers += len(line)
        if self._trailers > TRAILER_BYTES or not line.endswith(b"\r\n"):
            raise BodyError("the trailers are malformed or too long")
        self.is_done = line == b"\r\n"


Body = FixedBody | ChunkedBody | EndlessBody


def request_body(head: RequestHead) -> FixedBody | ChunkedBody:
    body = _framed(head.headers, head.minor)
    return FixedBody(0) if body is None else body


def response_body(head: ResponseHead, method: str) -> Body:
    if method == "HEAD" or head.status in (204, 304) or head.status < 200:
        return FixedBody(0)
    body = _framed(head.headers, head.minor)
    return EndlessBody() if body is None else body


def unchunked(data: bytes) -> bytes:
    """What the chunks of a body hold that was scanned before."""
    content = b""
    while size := int(data[: data.index(b"\r\n")].partition(b";")[0], 16):
        begin = data.index(b"\r\n") + 2
        content += data[begin : begin + size]
        data = data[begin + size + 2 :]
    return content


def _framed(headers: Headers, minor: int) -> FixedBody | ChunkedBody | None:
    lengths, codings = headers.all("content-length"), headers.tokens("transfer-encoding")
    if headers.all("transfer-encoding"):
        if lengths or minor == 0:
            raise HeadError("Transfer-Encoding stands beside Content-Length or in HTTP/1.0")
        if codings != ["chunked"]:
            raise HeadError("the only transfer coding here is chunked", 501)
        return ChunkedBody()
    if not lengths:
        return None
    if len(lengths) != 1 or not re.fullmatch(r"[0-9]{1,15}", lengths[0]):
        raise HeadError("Content-Length is malformed")
    return FixedBody(int(lengths[0]))
