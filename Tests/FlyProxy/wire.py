"""One connection: heads and pieces read with bounds, pieces written with back-pressure, and the ways to end it."""

import asyncio
import contextlib
import re
import socket
import struct

from heads import HeadError
from limits import FLUSH_SECONDS, HEAD_BYTES, HEAD_SECONDS, LINGER_SECONDS, PIECE_BYTES

# A lone LF ends a head too, so that it is refused at once instead of waited for.
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_BLANK_LINES = b"\r\n"


class Wire:
    """Bound to its event loop. All reading goes through here, since what was read too much is held for the next reader."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self._reader = reader
        self._writer = writer
        self._held = b""
        self.was_reset = False

    @property
    def peer(self) -> str:
        name = self._writer.get_extra_info("peername")
        return name[0] if name else "?"

    async def head(self, patience: float | None) -> bytes | None:
        """The bytes of a head; None where the connection ends, or nothing comes for `patience` seconds (None: no limit), before it begins."""
        block = self._held.lstrip(_BLANK_LINES)
        self._held = b""
        try:
            while not block:
                async with asyncio.timeout(patience):
                    piece = await self._reader.read(PIECE_BYTES)
                if not piece:
                    return None
                block = piece.lstrip(_BLANK_LINES)
        except TimeoutError:
            return None
        async with asyncio.timeout(HEAD_SECONDS):
            searched = 0
            while (end := _END_OF_HEAD.search(block, searched)) is None:
                if len(block) > HEAD_BYTES:
                    raise HeadError("the head is too large", 431)
                searched = max(0, len(block) - 3)
                piece = await self._reader.read(PIECE_BYTES)
                if not piece:
                    raise HeadError("the connection ended inside a head")
                block += piece
        self._held = block[end.end() :]
        if end.end() > HEAD_BYTES:
            raise HeadError("the head is too large", 431)
        return block[: end.end()]

    async def piece(self) -> bytes:
        """What has come, as soon as something has; empty at the end."""
        if self._held:
            held, self._held = self._held, b""
            return held
        return await self._reader.read(PIECE_BYTES)

    def hold(self, data: bytes) -> None:
        """Gives back what was read too much."""
        self._held = data + self._held

    async def ended(self) -> None:
        """Returns when the peer has ended or broken the connection. What it sends ahead is held, up to a piece; more waits outside."""
        with contextlib.suppress(ConnectionError):
            while len(self._held) < PIECE_BYTES:
                piece = await self._reader.read(PIECE_BYTES)
                if not piece:
                    return
                self._held += piece
            await asyncio.get_running_loop().create_future()

    async def write(self, data: bytes) -> None:
        """Returns when the connection can take more."""
        if self._writer.is_closing():
            raise ConnectionResetError("the connection is closed")
        self._writer.write(data)
        await self._writer.drain()

    def end_writing(self) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            self._writer.write_eof()

    def close(self) -> None:
        """After what is written has gone out; a peer that takes none of it is not waited for long."""
        if self._writer.transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self._writer.transport.abort)
        self._writer.close()

    async def close_after_refusal(self) -> None:
        """Throws away what still comes for a moment: a close over unread bytes would reset the connection before the answer is read."""
        self.end_writing()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while await self._reader.read(PIECE_BYTES):
                    pass
        self.close()

    def reset(self) -> None:
        """Ends it with RST."""
        self.was_reset = True
        with contextlib.suppress(OSError):
            self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
