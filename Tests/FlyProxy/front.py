"""The port in front: connections in, one request after the other on each."""

import asyncio
import contextlib
import secrets
import time

from backends import BackendTable
from edge import Edge
from errand import ReplayRules
from heads import HeadError, parse_request
from hop_log import HopLog
from limits import MAX_CLIENTS, PIECE_BYTES
from passage import Passage
from refusal import refuse
from wire import Wire


class Front:
    def __init__(self, table: BackendTable, edge: Edge, rules: ReplayRules, log: HopLog, idle: float):
        self._table = table
        self._edge = edge
        self._rules = rules
        self._log = log
        self._idle = idle
        self._clients: set[asyncio.Task] = set()

    async def listen(self, host: str, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._serve, host, port, limit=PIECE_BYTES, backlog=1024)

    async def close(self) -> None:
        """Breaks what is still connected."""
        clients = list(self._clients)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Wire(reader, writer)
        task = asyncio.current_task()
        self._clients.add(task)
        try:
            if len(self._clients) > MAX_CLIENTS:
                await refuse(client, self._request_id(), 503, "too many connections")
                return
            while await self._request(client):
                pass
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._clients.discard(task)
            with contextlib.suppress(OSError):
                client.close()

    async def _request(self, client: Wire) -> bool:
        """One request; whether another may follow."""
        request_id = self._request_id()
        try:
            block = await client.head(self._idle)
            if block is None:
                return False
            head = parse_request(block)
            passage = Passage(self._table, self._edge, self._rules, self._log, self._idle, client, head, request_id)
        except (HeadError, TimeoutError) as error:
            status, reason = (error.status, str(error)) if isinstance(error, HeadError) else (408, "the head does not come")
            self._log.write(time=time.time(), request=request_id, hop=None, status=status, error=reason)
            await refuse(client, request_id, status, reason)
            return False
        return await passage.run()

    def _request_id(self) -> str:
        return f"{secrets.token_hex(13)}-{self._table.edge}"
