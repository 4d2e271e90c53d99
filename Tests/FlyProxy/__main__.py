"""A stand-in for Fly's proxy, in front of servers that run unmodified on this machine: `python3 Tests/FlyProxy --help`.

It sends every request to the nearest region's least loaded backend, adds Fly's headers, and carries out `fly-replay`. Where it is less
than Fly's proxy: one connection a hop to the backends, HTTP/1.1 and no TLS towards clients, no replay caches, no other apps, no
concurrency limits. Fly has no word on these, so they are decided here:

- A request's body is buffered up to 1 MiB. A larger one streams to its first backend; should that one answer with a replay, the
  client gets 413.
- A backend that cannot be connected is passed over for the next candidate. One that breaks after that is not: the client gets 502, since
  the request may have been carried out.
- A malformed `fly-replay`, one with an unknown field or another app's name, and a replay of a fallback are 502.
- Half an answer resets the client's connection.
"""

import argparse
import asyncio
import contextlib
import signal
import sys
from typing import TextIO

from backends import BackendTable, TableError
from control import Control
from edge import Edge
from errand import ReplayRules
from front import Front
from hop_log import HopLog
from limits import IDLE_SECONDS


def backend(text: str) -> dict[str, str | int]:
    members: dict[str, str | int] = dict(part.partition("=")[::2] for part in text.split(","))
    if not {"id", "region", "port"} <= members.keys() <= {"id", "region", "port", "host", "state"}:
        raise argparse.ArgumentTypeError("a backend is id=ID,region=CODE,port=PORT[,host=HOST][,state=STATE]")
    with contextlib.suppress(ValueError):
        members["port"] = int(members["port"])
    return members


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="FlyProxy", description="A stand-in for Fly's proxy in front of servers on this machine.")
    parser.add_argument("--port", type=int, required=True, help="where clients connect")
    parser.add_argument("--host", default="127.0.0.1", help="the address for them (default 127.0.0.1)")
    parser.add_argument("--control", type=int, required=True, metavar="PORT", help="where the control API listens, on 127.0.0.1")
    parser.add_argument("--region", default="dfw", help="the edge's region (default dfw)")
    parser.add_argument("--backend", type=backend, action="append", default=[], metavar="id=ID,region=CODE,port=PORT", help="a server; repeatable")
    parser.add_argument("--app", default="crier", help="the only app there is (default crier)")
    parser.add_argument("--proto", choices=["http", "https"], default="http", help="what X-Forwarded-Proto says (default http)")
    parser.add_argument("--replay-status", choices=["any", "only-101", "not-101"], default="any", help="where fly-replay counts (default any)")
    parser.add_argument("--idle-timeout", type=float, default=IDLE_SECONDS, metavar="SECONDS", help=f"default {IDLE_SECONDS:.0f}")
    parser.add_argument("--log", metavar="FILE", help="where the hops are logged (default standard output)")
    return parser.parse_args()


async def serve(options: argparse.Namespace, log: TextIO) -> None:
    table = BackendTable(options.region)
    for members in options.backend:
        table.add(members.pop("id"), **members)
    rules = ReplayRules(options.app, options.replay_status)
    front = Front(table, Edge(options.proto, options.port), rules, HopLog(log), options.idle_timeout)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    servers = [await front.listen(options.host, options.port), await Control(table).listen(options.control)]
    print(f"in front of {len(options.backend)} on {options.host}:{options.port}, control on 127.0.0.1:{options.control}", file=sys.stderr)
    await stopped.wait()
    for server in servers:
        server.close()
    await front.close()


def main() -> int:
    options = arguments()
    with contextlib.ExitStack() as stack:
        try:
            log = stack.enter_context(open(options.log, "a", encoding="utf-8")) if options.log else sys.stdout
            asyncio.run(serve(options, log))
        except (TableError, OSError) as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
