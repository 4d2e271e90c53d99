"""The control API, on a loopback port of its own: what a test or a person does to the backends. JSON in and out.

    GET  /                          the table: edge, pins, backends
    POST /backends                  {"id", "region", "port"[, "host", "state"]}: add one
    POST /backends/ID/cordon        no new requests; what is connected stays
    POST /backends/ID/uncordon      takes requests again
    POST /backends/ID/stop          chosen only where it is named, which starts it
    POST /backends/ID/kill          resets its connections
    POST /backends/ID/restart       {"port"}: the same id elsewhere; its connections are reset
    POST /backends/ID/destroy       gone for good; its connections are reset
    POST /backends/ID/latency       {"ms"}: added to connecting and to every piece of data
    POST /backends/ID/black-hole    {"on"}: nothing passes, and nothing is refused
    POST /pin-next                  {"id"[, "count"]}: where the next requests go first
    POST /edge                      {"region"}: where the edge is

Every answer is the table as it is then, or {"error": …}.
"""

import asyncio
import contextlib
import json
import re

from backends import BackendTable, State, TableError
from bodies import BodyError, request_body
from heads import HeadError, Headers, RequestHead, ResponseHead, parse_request
from limits import BODY_SECONDS, CONTROL_BODY_BYTES, IDLE_SECONDS, PIECE_BYTES
from wire import Wire

_BACKEND = re.compile(r"/backends/([0-9a-z]{1,64})/([a-z-]{1,16})")


class Control:
    def __init__(self, table: BackendTable):
        self._table = table

    async def listen(self, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", port, limit=PIECE_BYTES)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Wire(reader, writer)
        try:
            status, answer = await self._request(client)
            text = json.dumps(answer).encode()
            headers = [("Content-Type", "application/json"), ("Content-Length", str(len(text))), ("Connection", "close")]
            await client.write(ResponseHead(1, status, "", Headers(headers)).encoded() + text)
            await client.close_after_refusal()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            with contextlib.suppress(OSError):
                client.close()

    async def _request(self, client: Wire) -> tuple[int, dict]:
        try:
            block = await client.head(IDLE_SECONDS)
            if block is None:
                raise HeadError("there is no request")
            head = parse_request(block)
            self._carry_out(head, await self._members(client, head))
            return 200, self._table.summary()
        except (HeadError, TableError) as error:
            return error.status, {"error": str(error)}
        except (BodyError, ValueError, RecursionError) as error:
            return 400, {"error": f"the body is malformed: {error}"}

    async def _members(self, client: Wire, head: RequestHead) -> dict:
        body, collected = request_body(head), b""
        if head.headers.all("transfer-encoding"):
            raise HeadError("a control request has a Content-Length", 411)
        async with asyncio.timeout(BODY_SECONDS):
            while not body.is_done:
                piece = await client.piece()
                if not piece:
                    raise BodyError("it ended early")
                collected += piece[: body.feed(piece)]
                if len(collected) > CONTROL_BODY_BYTES:
                    raise HeadError("the body is too large", 413)
        members = json.loads(collected) if collected else {}
        if not isinstance(members, dict):
            raise BodyError("it is no object")
        return members

    def _carry_out(self, head: RequestHead, members: dict) -> None:
        if head.target == "/":
            if head.method != "GET":
                raise HeadError("the table is only read", 405)
            return
        if head.method != "POST":
            raise HeadError("changes are POSTs", 405)
        if head.target == "/backends":
            host, state = members.get("host", "127.0.0.1"), members.get("state", State.STARTED)
            self._table.add(members.get("id"), members.get("region"), members.get("port"), host, state)
        elif head.target == "/pin-next":
            self._table.pin(members.get("id"), members.get("count", 1))
        elif head.target == "/edge":
            self._table.set_edge(members.get("region"))
        elif match := _BACKEND.fullmatch(head.target):
            self._change(match[1], match[2], members)
        else:
            raise HeadError("there is no such thing to control", 404)

    def _change(self, identifier: str, what: str, members: dict) -> None:
        match what:
            case "cordon":
                self._table.move(identifier, State.CORDONED)
            case "uncordon":
                self._table.move(identifier, State.STARTED)
            case "stop":
                self._table.move(identifier, State.STOPPED)
            case "kill":
                self._table.kill(identifier)
            case "restart":
                self._table.restart(identifier, members.get("port"))
            case "destroy":
                self._table.destroy(identifier)
            case "latency":
                self._table.delay(identifier, members.get("ms"))
            case "black-hole":
                self._table.black_hole(identifier, members.get("on"))
            case _:
                raise HeadError("there is no such change", 404)
