"""One request's way: its body buffered, hop after hop until a backend answers with something else than a replay, that answer passed on."""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from backends import Backend, BackendTable, State
from bodies import BodyError, EndlessBody, request_body, response_body, unchunked
from choice import Candidate, candidates, client_wish
from edge import VIA, Edge
from errand import Errand, ReplayRules, replay_errand
from heads import HeadError, RequestHead, ResponseHead, parse_response
from hop_log import HopLog
from limits import ANSWER_SECONDS, BODY_SECONDS, CONNECT_SECONDS, MAX_REPLAYS, PIECE_BYTES, REPLAYABLE_BODY_BYTES, REPLAY_JSON_BYTES
from refusal import Refusal, refuse
from replay import Replay
from tunnel import tunnel
from wire import Wire

Answer = TypeVar("Answer")


class ClientGone(Exception):
    """There is nobody to answer any more."""


class Unreached(Exception):
    """No backend could be connected. `reason` is one of those that `fly-replay-failed` names."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


@dataclass
class Hop:
    """A backend that is connected. Its end ends the connection."""

    candidate: Candidate
    wire: Wire
    began: float

    @property
    def backend(self) -> Backend:
        return self.candidate.backend

    def end(self) -> None:
        self.backend.attached.discard(self.wire)
        self.wire.close()


class Passage:
    def __init__(
        self,
        table: BackendTable,
        edge: Edge,
        rules: ReplayRules,
        log: HopLog,
        idle: float,
        client: Wire,
        head: RequestHead,
        request_id: str,
    ):
        self._table = table
        self._rules = rules
        self._log = log
        self._idle = idle
        self._client = client
        self._keeps_alive = head.keeps_alive
        self._wants_continue = "100-continue" in head.headers.tokens("expect")
        self._head = edge.request(head, request_id, client.peer, table.edge)
        self._request_id = request_id
        self._body = request_body(head)
        self._buffer = b""
        self._is_whole = True
        self._hops = 0
        self._replays = 0
        self._newest: Hop | None = None

    async def run(self) -> bool:
        """Whether the client's connection can take another request."""
        try:
            await self._fill_buffer()
            hop, answer = await self._answer()
            return await self._deliver(hop, answer)
        except Refusal as refusal:
            await self._refuse(refusal)
            return False
        except ClientGone:
            return False
        finally:
            # One that was connected in the moment in which its client went away is nobody else's to end.
            if self._newest is not None:
                self._newest.end()

    # The request's body

    async def _fill_buffer(self) -> None:
        """All of the body, or as much as can be replayed; the rest streams to the first backend."""
        if self._wants_continue and not self._body.is_done:
            await self._client.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        pieces = []
        while not self._body.is_done and self._body.payload <= REPLAYABLE_BODY_BYTES:
            pieces.append(await self._body_piece())
        self._buffer = b"".join(pieces)
        self._is_whole = self._body.is_done and self._body.payload <= REPLAYABLE_BODY_BYTES

    async def _body_piece(self) -> bytes:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                data = await self._client.piece()
            if not data:
                raise ClientGone
            taken = self._body.feed(data)
        except TimeoutError:
            raise Refusal(408, "the body does not come") from None
        except BodyError as error:
            raise Refusal(400, str(error)) from None
        except ConnectionError:
            raise ClientGone from None
        self._client.hold(data[taken:])
        return data[:taken]

    # Hops

    async def _answer(self) -> tuple[Hop, ResponseHead]:
        """The first answer that is no replay, with its hop still open."""
        errand = Errand(client_wish(self._head.headers, self._table.take_pin()))
        while True:
            began = time.monotonic()
            try:
                hop = await self._unless_gone(self._connect(errand))
            except Unreached as failure:
                errand = errand.after_failure(failure.reason, time.monotonic() - began)
                continue
            try:
                answer = await self._unless_gone(self._exchange(hop, errand))
                instruction = self._rules.instruction(answer)
                body = await self._unless_gone(self._replay_body(hop, answer)) if instruction is not None and not instruction else b""
                self._log_hop(hop, answer.status, instruction or body.decode("latin-1") or None)
                if instruction is None:
                    return hop, answer
                next_errand = self._next(errand, hop.backend, self._rules.parsed(instruction, body))
            except ClientGone:
                self._log_attempt(hop.candidate, hop.began, None, None, "the client went away")
                hop.end()
                raise
            except BaseException:
                hop.end()
                raise
            hop.end()
            errand = next_errand

    async def _connect(self, errand: Errand) -> Hop:
        options = candidates(self._table, errand.wish, self._table.edge)
        timeout = errand.replay.timeout if errand.replay and not errand.is_fallback else None
        loop = asyncio.get_running_loop()
        deadline = None if timeout is None else loop.time() + timeout
        for candidate in options:
            began = time.monotonic()
            patience = CONNECT_SECONDS if deadline is None else min(CONNECT_SECONDS, deadline - loop.time())
            if patience <= 0:
                break
            try:
                async with asyncio.timeout(patience):
                    await candidate.backend.cross()
                    reader, writer = await asyncio.open_connection(candidate.backend.host, candidate.backend.port, limit=PIECE_BYTES)
            except OSError as error:
                reason = "connecting takes too long" if isinstance(error, TimeoutError) else f"connecting failed: {error.strerror}"
                self._log_attempt(candidate, began, None, None, reason)
                continue
            if candidate.backend.state is State.STOPPED:
                candidate.backend.state = State.STARTED
            self._newest = hop = Hop(candidate, Wire(reader, writer), began)
            candidate.backend.attached.add(hop.wire)
            return hop
        if not options:
            raise Unreached("no_candidate")
        raise Unreached("timeout" if deadline is not None and loop.time() >= deadline else "retries_exhausted")

    async def _exchange(self, hop: Hop, errand: Errand) -> ResponseHead:
        """Sends the request; the final head of its answer."""
        extra = list(errand.extra)
        missed = errand.wish.prefer_instance
        if missed is not None and missed != hop.backend.id and errand.wish.by != "fallback":
            extra.append(("fly-preferred-instance-unavailable", missed))
        head = replace(self._head, headers=self._head.headers.adding(extra))
        try:
            await hop.backend.cross()
            sending = asyncio.ensure_future(self._send(hop, head))
            try:
                reading = asyncio.ensure_future(self._read_answer(hop))
                try:
                    await asyncio.wait({sending, reading}, return_when=asyncio.FIRST_COMPLETED)
                    if sending.done() and not isinstance(sending.exception(), OSError):
                        # It raises what the client did wrong. What the backend did, its answer says better, if there is one.
                        sending.result()
                    async with asyncio.timeout(ANSWER_SECONDS):
                        return await reading
                finally:
                    await _cancelled(reading)
            finally:
                await _cancelled(sending)
        except (HeadError, BodyError) as error:
            raise self._hop_failed(hop, f"the answer is malformed: {error}") from None
        except TimeoutError:
            raise self._hop_failed(hop, "the answer does not come") from None
        except OSError as error:
            raise self._hop_failed(hop, f"the connection broke: {error.strerror or error}") from None

    async def _send(self, hop: Hop, head: RequestHead) -> None:
        async with asyncio.timeout(BODY_SECONDS):
            await hop.wire.write(head.encoded() + self._buffer)
        while not self._body.is_done:
            piece = await self._body_piece()
            async with asyncio.timeout(BODY_SECONDS):
                await hop.backend.cross()
                await hop.wire.write(piece)

    async def _read_answer(self, hop: Hop) -> ResponseHead:
        while True:
            block = await hop.wire.head(None)
            await hop.backend.cross()
            if block is None:
                raise ConnectionResetError("the connection ended before the answer")
            answer = parse_response(block)
            if answer.status == 101 or answer.status >= 200:
                return answer

    def _hop_failed(self, hop: Hop, reason: str) -> Refusal:
        self._log_attempt(hop.candidate, hop.began, None, None, reason)
        return Refusal(502, reason)

    # Replays

    async def _replay_body(self, hop: Hop, answer: ResponseHead) -> bytes:
        """The JSON of a replay, taken out of its chunks if it came in some."""
        try:
            body, collected = response_body(answer, self._head.method), b""
            async with asyncio.timeout(ANSWER_SECONDS):
                while not body.is_done and len(collected) <= REPLAY_JSON_BYTES:
                    piece = await hop.wire.piece()
                    if not piece and isinstance(body, EndlessBody):
                        break
                    if not piece:
                        raise BodyError("it ended early")
                    collected += piece[: body.feed(piece)]
        except (HeadError, BodyError, OSError) as error:
            raise self._hop_failed(hop, f"the replay's body is malformed: {error}") from None
        if len(collected) > REPLAY_JSON_BYTES:
            raise self._hop_failed(hop, "the replay's body is too large")
        return unchunked(collected) if answer.headers.all("transfer-encoding") else collected

    def _next(self, errand: Errand, source: Backend, wanted: Replay) -> Errand:
        if errand.is_fallback:
            raise Refusal(502, "a request whose replay has failed cannot be replayed again")
        if self._replays == MAX_REPLAYS:
            raise Refusal(502, f"more than {MAX_REPLAYS} replays")
        if not self._is_whole:
            raise Refusal(413, f"a body above {REPLAYABLE_BODY_BYTES} bytes cannot be replayed")
        self._replays += 1
        headers = self._head.headers.without(wanted.delete_headers).setting(wanted.set_headers)
        self._head = replace(self._head, target=wanted.path or self._head.target, headers=headers)
        return replay_errand(wanted, source)

    # The answer

    async def _deliver(self, hop: Hop, answer: ResponseHead) -> bool:
        try:
            if answer.status == 101:
                await self._open_tunnel(hop, answer)
                return False
            return await self._relay(hop, answer)
        finally:
            hop.end()

    async def _open_tunnel(self, hop: Hop, answer: ResponseHead) -> None:
        if self._head.headers.get("upgrade") is None:
            raise Refusal(502, "the backend switched to a protocol that nobody asked for")
        connection = [("Connection", "Upgrade"), *(("Upgrade", value) for value in answer.headers.all("upgrade"))]
        await self._write_head(answer, connection)
        await tunnel(self._client, hop.wire, hop.backend, self._idle)

    async def _relay(self, hop: Hop, answer: ResponseHead) -> bool:
        try:
            body = response_body(answer, self._head.method)
        except HeadError as error:
            raise Refusal(502, f"the answer is malformed: {error}") from None
        keeps_alive = self._keeps_alive and self._body.is_done and not isinstance(body, EndlessBody)
        await self._write_head(answer, [("Connection", "keep-alive" if keeps_alive else "close")])
        try:
            await self._unless_gone(self._relay_body(hop, body))
        except (BodyError, OSError):
            # Half an answer must not look like a whole one.
            self._client.reset()
            return False
        if not self._body.is_done:
            await self._client.close_after_refusal()
        return keeps_alive

    async def _relay_body(self, hop: Hop, body: Any) -> None:
        while not body.is_done:
            async with asyncio.timeout(self._idle):
                piece = await hop.wire.piece()
                await hop.backend.cross()
            if not piece:
                if isinstance(body, EndlessBody) and not hop.wire.was_reset:
                    return
                raise BodyError("the answer ended early")
            async with asyncio.timeout(self._idle):
                await self._client.write(piece[: body.feed(piece)])

    async def _write_head(self, answer: ResponseHead, connection: list[tuple[str, str]]) -> None:
        headers = answer.headers.end_to_end().adding([*connection, ("Via", VIA), ("Fly-Request-Id", self._request_id)])
        try:
            await self._client.write(replace(answer, headers=headers).encoded())
        except ConnectionError:
            raise ClientGone from None

    async def _refuse(self, refusal: Refusal) -> None:
        self._log.write(time=time.time(), request=self._request_id, hop=None, status=refusal.status, error=str(refusal))
        await refuse(self._client, self._request_id, refusal.status, str(refusal))

    # Beside the way

    async def _unless_gone(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """The result of the work, given up when the client goes away. While the client's body still comes, its reader notices that."""
        if not self._body.is_done:
            return await work
        working, watching = asyncio.ensure_future(work), asyncio.ensure_future(self._client.ended())
        try:
            await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise ClientGone
            return working.result()
        finally:
            await _cancelled(watching)
            await _cancelled(working)

    def _log_hop(self, hop: Hop, status: int, instruction: str | None) -> None:
        self._log_attempt(hop.candidate, hop.began, status, instruction, None)

    def _log_attempt(self, candidate: Candidate, began: float, status: int | None, instruction: str | None, error: str | None) -> None:
        self._hops += 1
        self._log.write(
            time=time.time(),
            request=self._request_id,
            hop=self._hops,
            replays=self._replays,
            backend=candidate.backend.id,
            method=self._head.method,
            target=self._head.target,
            status=status,
            replay=instruction,
            why=candidate.why,
            ms=round((time.monotonic() - began) * 1000, 3),
            error=error,
        )


async def _cancelled(future: asyncio.Future) -> None:
    """Ends a future whose result has been taken or is wanted no more."""
    future.cancel()
    await asyncio.wait({future})
    if not future.cancelled():
        future.exception()
