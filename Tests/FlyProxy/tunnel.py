"""An opaque two-way tunnel: what a connection is after a 101."""

import asyncio

from backends import Backend
from wire import Wire


async def tunnel(client: Wire, server: Wire, backend: Backend, idle: float) -> None:
    """Passes bytes both ways, each as fast as its reader takes them, until both sides have ended, one has broken, or nothing passed
    for `idle` seconds. An end of one direction is passed on and leaves the other open; a reset is passed on as one."""
    loop = asyncio.get_running_loop()
    last = loop.time()

    async def pump(source: Wire, sink: Wire) -> None:
        nonlocal last
        while piece := await source.piece():
            last = loop.time()
            await backend.cross()
            if source.was_reset:
                # What was on its way is lost with the connection.
                raise ConnectionResetError
            await sink.write(piece)
            last = loop.time()
        if source.was_reset:
            raise ConnectionResetError
        await backend.cross()
        sink.end_writing()

    async def watch() -> None:
        while (left := last + idle - loop.time()) > 0:
            await asyncio.sleep(left)

    pumps = {asyncio.ensure_future(pump(client, server)), asyncio.ensure_future(pump(server, client))}
    watcher = asyncio.ensure_future(watch())
    try:
        while not watcher.done() and any(not each.done() for each in pumps):
            done, _ = await asyncio.wait({watcher, *(each for each in pumps if not each.done())}, return_when=asyncio.FIRST_COMPLETED)
            if any(each.exception() for each in done & pumps):
                client.reset()
                server.reset()
                break
    finally:
        for each in (watcher, *pumps):
            each.cancel()
        await asyncio.gather(watcher, *pumps, return_exceptions=True)
        client.close()
        server.close()
