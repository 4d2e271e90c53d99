"""The stand-in for Fly's proxy itself, in front of small backends that live in this process."""

import asyncio
import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest

from crier_server import free_port
from fly_proxy import FlyProxy, Place, RawClient
from waiting import PATIENCE, wait_until

MIB = 1 << 20
# What the tunnel may hold on its way, with the kernel's buffers.
TUNNEL_BYTES = 32 * MIB

DALLAS, AMSTERDAM, SYDNEY, ASHBURN = "d0a11a50000001", "a2500000000002", "5d000000000003", "1ad00000000004"
REGIONS = {DALLAS: "dfw", AMSTERDAM: "ams", SYDNEY: "syd", ASHBURN: "iad"}


class Request:
    """What a backend received."""

    def __init__(self, head: bytes, body: bytes):
        line, *fields = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        self.method, self.target, self.version = line.split(" ")
        self.fields = [tuple(field.split(": ", 1)) for field in fields]
        self.body = body

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)


Answer = Callable[[Request, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def says(status: int = 200, body: bytes = b"", **headers: str) -> Answer:
    """A whole answer; the names' underscores are hyphens."""
    return raw(message(status, body, **headers))


def message(status: int, body: bytes = b"", **headers: str) -> bytes:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    if status >= 200:
        fields.setdefault("Content-Length", str(len(body)))
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode() + body


def raw(data: bytes) -> Answer:
    async def answer(_: Request, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return answer


def replays(value: str, status: int = 307, name: str = "fly-replay") -> Answer:
    return says(status, **{name: value})


class Backend:
    """Answers one request on each connection with `answer`, which a test can change."""

    def __init__(self, loop: asyncio.AbstractEventLoop, identifier: str):
        self.id = identifier
        self.region = REGIONS[identifier]
        self.requests: list[Request] = []
        self.answer: Answer = says(200, identifier.encode())
        self._loop = loop
        self._connections: set[asyncio.Task] = set()
        self.listen()

    def listen(self) -> None:
        starting = asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 16)
        self._server = asyncio.run_coroutine_threadsafe(starting, self._loop).result(PATIENCE)
        self.port = self._server.sockets[0].getsockname()[1]

    @property
    def place(self) -> Place:
        return Place(self.id, self.region, self.port)

    def close(self) -> None:
        async def end() -> None:
            self._server.close()
            for connection in list(self._connections):
                connection.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(PATIENCE)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._connections.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            request = Request(head, b"")
            if self.answer is not answers_early:
                request.body = await self._body(request, reader)
            self.requests.append(request)
            await self.answer(request, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _body(self, request: Request, reader: asyncio.StreamReader) -> bytes:
        if request.get("transfer-encoding") != "chunked":
            return await reader.readexactly(int(request.get("content-length") or 0))
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
        return body


async def answers_early(_: Request, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers before the body has come."""
    writer.write(message(413, b"too large"))
    await writer.drain()
    await asyncio.sleep(PATIENCE)


class Backends(dict[str, Backend]):
    @property
    def seen(self) -> dict[str, int]:
        """How many requests each has got."""
        return {identifier: len(backend.requests) for identifier, backend in self.items() if backend.requests}


@pytest.fixture
def backends() -> Iterator[Backends]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    all_backends = Backends()
    try:
        all_backends.update({identifier: Backend(loop, identifier) for identifier in REGIONS})
        yield all_backends
    finally:
        for backend in all_backends.values():
            backend.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def front(backends) -> Iterator[FlyProxy]:
    """In Dallas, in front of all four."""
    with FlyProxy(*(backend.place for backend in backends.values())) as proxy:
        yield proxy


# Choosing


def test_the_nearest_region_is_first_then_the_next_then_nobody(front, backends):
    order = [DALLAS, ASHBURN, AMSTERDAM, SYDNEY]
    for identifier in order:
        assert front.ask().body == identifier.encode()
        front.control(f"/backends/{identifier}/cordon")
    answer = front.ask()
    assert answer.status == 502 and b"no_candidate" in answer.body
    front.control(f"/backends/{SYDNEY}/uncordon")
    assert front.ask().body == SYDNEY.encode()
    assert backends.seen == {DALLAS: 1, ASHBURN: 1, AMSTERDAM: 1, SYDNEY: 2}


def test_the_edge_can_move(front):
    front.control("/edge", region="lhr")
    answer = front.ask()
    assert answer.body == AMSTERDAM.encode()
    front.control("/edge", region="zzz")
    # Nothing is near to a region that nobody knows: ties go by load, then by id.
    assert front.ask().status == 200


def test_in_one_region_the_least_loaded_is_first(front, backends):
    twin = backends[AMSTERDAM]
    front.control("/backends", id="d0a11a50000009", region="dfw", port=twin.port)
    with tunnelled(front, backends[DALLAS]):
        wait_until(lambda: load(front, DALLAS) == 1, "the tunnel to count")
        for _ in range(3):
            answer = front.ask()
            assert answer.body == AMSTERDAM.encode() and front.hops(answer.request_id)[0]["backend"] == "d0a11a50000009"
    wait_until(lambda: load(front, DALLAS) == 0, "the tunnel to be counted no more")
    assert front.ask().body == DALLAS.encode()


def load(front: FlyProxy, identifier: str) -> int:
    return next(each["connections"] for each in front.table()["backends"] if each["id"] == identifier)


def test_who_cannot_be_connected_is_passed_over(front, backends):
    backends[DALLAS].close()
    answer = front.ask()
    assert answer.status == 200 and answer.body == ASHBURN.encode()
    first, second = front.hops(answer.request_id)
    assert first["backend"] == DALLAS and first["status"] is None and "connecting failed" in first["error"]
    assert second["backend"] == ASHBURN and second["status"] == 200 and second["error"] is None
    for identifier in (ASHBURN, AMSTERDAM, SYDNEY):
        front.control(f"/backends/{identifier}/destroy")
    assert front.ask().status == 502


def test_who_breaks_after_connecting_is_not_tried_elsewhere(front, backends):
    backends[DALLAS].answer = raw(b"")
    answer = front.ask()
    assert answer.status == 502 and backends.seen == {DALLAS: 1}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"fly-force-instance-id": SYDNEY}, SYDNEY),
        ({"Fly-Force-Instance-Id": "0000000000dead"}, None),
        ({"fly-prefer-instance-id": SYDNEY}, SYDNEY),
        ({"fly-prefer-instance-id": "0000000000dead"}, DALLAS),
        ({"fly-prefer-region": "nrt, syd,ams"}, SYDNEY),
        ({"fly-prefer-region": "eu"}, AMSTERDAM),
        ({"fly-prefer-region": "nrt"}, DALLAS),
        ({"fly-force-region": "nrt,ams"}, AMSTERDAM),
        ({"fly-force-region": "nrt"}, None),
    ],
)
def test_a_client_may_say_where(front, backends, headers, expected):
    answer = front.ask(headers=headers)
    if expected is None:
        assert answer.status == 502 and not backends.seen
        return
    assert answer.status == 200 and answer.body == expected.encode()
    missed = headers.get("fly-prefer-instance-id")
    assert backends[expected].requests[0].get("fly-preferred-instance-unavailable") == (missed if missed != expected else None)


def test_the_first_hop_of_the_next_requests_can_be_pinned(front, backends):
    front.pin(SYDNEY, 2)
    front.pin(AMSTERDAM)
    assert [front.ask().body.decode() for _ in range(4)] == [SYDNEY, SYDNEY, AMSTERDAM, DALLAS]
    # Pinned is tried first, not only; and it concerns the first hop only.
    backends[SYDNEY].close()
    front.pin(SYDNEY)
    assert front.ask().body == DALLAS.encode()
    backends[AMSTERDAM].answer = replays(f"instance={DALLAS}")
    front.pin(AMSTERDAM)
    answer = front.ask()
    assert [hop["why"] for hop in front.hops(answer.request_id)] == ["pinned", "replay: instance"]


def test_a_stopped_one_is_woken_where_it_is_named(front, backends):
    front.control(f"/backends/{SYDNEY}/stop")
    front.control("/edge", region="syd")
    assert front.ask().body != SYDNEY.encode()
    front.control("/edge", region="dfw")
    backends[DALLAS].answer = replays(f"instance={SYDNEY}")
    assert front.ask().body == SYDNEY.encode()
    assert next(each["state"] for each in front.table()["backends"] if each["id"] == SYDNEY) == "started"


# Headers


def test_the_proxy_speaks_for_itself(backends):
    with FlyProxy(backends[DALLAS].place, region="lhr", flags=("--proto", "https")) as front:
        forged = {
            **{name: "forged" for name in ("Fly-Client-IP", "FLY-REGION", "Fly-Forwarded-Port", "X-Forwarded-For", "x-forwarded-proto")},
            **{name: "forged" for name in ("X-Forwarded-Port", "X-Forwarded-SSL", "Via", "Fly-Request-Id")},
            **{name: "forged" for name in ("fly-replay-src", "Fly-Replay-Failed", "fly-preferred-instance-unavailable")},
            "Connection": "close, x-mine",
            "X-Mine": "for the proxy only",
            "Keep-Alive": "5",
            "Cookie": "a=b; c=d",
        }
        answer = front.ask("/a?b=c%20d", headers=forged)
        request = backends[DALLAS].requests[0]
        assert request.target == "/a?b=c%20d" and request.version == "HTTP/1.1"
        expected = {
            "Fly-Client-IP": "127.0.0.1",
            "Fly-Region": "lhr",
            "Fly-Forwarded-Port": str(front.port),
            "Fly-Request-Id": answer.request_id,
            "X-Forwarded-For": "127.0.0.1",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Port": str(front.port),
            "X-Forwarded-SSL": "on",
            "Via": "1.1 fly.io",
            "Connection": "close",
            "Cookie": "a=b; c=d",
            "Host": "crier.test",
        }
        assert {name: request.all(name) for name in expected} == {name: [value] for name, value in expected.items()}
        assert "forged" not in str(request.fields)
        assert not request.all("x-mine") and not request.all("keep-alive")
        assert answer.headers["via"] == ["1.1 fly.io"]


# Replays


@pytest.mark.parametrize("status", [101, 200, 204, 307, 409, 500])
@pytest.mark.parametrize("name", ["fly-replay", "Fly-Replay", "FLY-REPLAY"])
def test_an_answer_with_fly_replay_is_not_the_clients(front, backends, status, name):
    backends[DALLAS].answer = replays(f"instance={AMSTERDAM};state=a-b", status, name)
    before = time.time_ns() // 1000
    answer = front.ask("/x?y=1", "POST", {"Content-Type": "text/plain"}, b"the same bytes")
    assert answer.status == 200 and answer.body == AMSTERDAM.encode()
    assert b"replay" not in answer.raw.lower()
    (first,), (second,) = backends[DALLAS].requests, backends[AMSTERDAM].requests
    assert (second.method, second.target, second.body) == (first.method, first.target, first.body) == ("POST", "/x?y=1", b"the same bytes")
    (source,) = second.all("fly-replay-src")
    assert [field for field in second.fields if field[0] != "fly-replay-src"] == first.fields
    match = re.fullmatch(rf"instance={DALLAS};region=dfw;t=([0-9]+);state=a-b", source)
    assert match and before <= int(match[1]) <= time.time_ns() // 1000
    hops = front.hops(answer.request_id)
    assert [(hop["hop"], hop["replays"], hop["backend"], hop["status"]) for hop in hops] == [(1, 0, DALLAS, status), (2, 1, AMSTERDAM, 200)]
    assert [hop["replay"] for hop in hops] == [f"instance={AMSTERDAM};state=a-b", None]


@pytest.mark.parametrize("chunked", [False, True])
def test_the_json_form_replays_and_transforms(front, backends, chunked):
    transform = {"path": "/new?p=1", "delete_headers": ["COOKIE"], "set_headers": [{"name": "X-Set", "value": "new"}]}
    body = json.dumps({"instance": AMSTERDAM, "state": "s", "transform": transform}).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: Application/vnd.fly.replay+json; charset=utf-8\r\n"
    if chunked:
        half = len(body) // 2
        pieces = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (body[:half], body[half:]))
        backends[DALLAS].answer = raw(head + b"Transfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\n\r\n")
    else:
        backends[DALLAS].answer = raw(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    answer = front.ask("/old", headers={"Cookie": "a=b", "X-Set": "old"})
    assert answer.body == AMSTERDAM.encode()
    (request,) = backends[AMSTERDAM].requests
    assert request.target == "/new?p=1" and request.all("x-set") == ["new"] and not request.all("cookie")
    assert request.get("fly-replay-src").endswith(";state=s")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"instance={SYDNEY}", SYDNEY),
        (f" instance = {SYDNEY} ; ", SYDNEY),
        (f"prefer_instance={SYDNEY}", SYDNEY),
        ("region=syd", SYDNEY),
        ('region="nrt,ams,syd"', AMSTERDAM),
        ('region="eu"', AMSTERDAM),
        ('region="nrt,any"', DALLAS),
        ("app=crier;region=ams", AMSTERDAM),
        ("elsewhere=true", ASHBURN),
        (f'region="syd,dfw";prefer_instance={AMSTERDAM}', AMSTERDAM),
        (f"instance={AMSTERDAM};timeout=800ms;fallback=prefer_self", AMSTERDAM),
    ],
)
def test_where_a_replay_goes(front, backends, value, expected):
    async def once(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await (says(200, DALLAS.encode()) if request.all("fly-replay-src") else replays(value))(request, reader, writer)

    backends[DALLAS].answer = once
    answer = front.ask()
    assert answer.status == 200 and answer.body == expected.encode()
    assert not backends[expected].requests[-1].all("fly-preferred-instance-unavailable")


@pytest.mark.parametrize(
    "value",
    [
        "",
        ";",
        AMSTERDAM,
        "instance",
        "instance=",
        "Instance=" + AMSTERDAM,
        f"instance={AMSTERDAM};instance={AMSTERDAM}",
        f"instance={AMSTERDAM};prefer_instance={SYDNEY}",
        f"instance={AMSTERDAM};colour=red",
        f"instance={AMSTERDAM}, region=ams",
        f'instance="{AMSTERDAM}',
        f"instance={AMSTERDAM};app=other",
        "app=other",
        "region=ams,syd",
        "region=AMS",
        'region="ams,"',
        "elsewhere=yes",
        "elsewhere=false",
        f"instance={AMSTERDAM};timeout=soon",
        f"instance={AMSTERDAM};timeout=0s",
        f"instance={AMSTERDAM};timeout=99999999m",
        f"instance={AMSTERDAM};fallback=self",
        "state=x",
        "instance=0000000000dead",
        "region=nrt",
        f"region=ams;instance={SYDNEY}",
    ],
)
def test_a_replay_that_cannot_be_is_502(front, backends, value):
    backends[DALLAS].answer = replays(value)
    answer = front.ask()
    assert answer.status == 502 and backends.seen == {DALLAS: 1}
    assert "fly-replay" not in answer.headers


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"colour": "red"}',
        b'{"instance": 5}',
        b'{"instance": "a\\r\\nb"}',
        b'{"elsewhere": "true"}',
        b'{"elsewhere": true, "state": "a\\r\\nX-Injected: 1"}',
        b'{"elsewhere": true, "state": "a;instance=b"}',
        b'{"elsewhere": true, "transform": []}',
        b'{"elsewhere": true, "transform": {"method": "PUT"}}',
        b'{"elsewhere": true, "transform": {"path": "/a b"}}',
        b'{"elsewhere": true, "transform": {"path": "http://other/"}}',
        b'{"elsewhere": true, "transform": {"delete_headers": ["Content-Length"]}}',
        b'{"elsewhere": true, "transform": {"delete_headers": [1]}}',
        b'{"elsewhere": true, "transform": {"set_headers": [{"name": "a", "value": "b\\r\\nc: d"}]}}',
        b'{"elsewhere": true, "transform": {"set_headers": [{"name": "Host", "value": "b"}]}}',
        b'{"elsewhere": true, "transform": {"set_headers": [{"name": "a"}]}}',
        b'{"state": "' + b"x" * 70_000 + b'"}',
    ],
    ids=range(21),
)
def test_json_that_cannot_be_is_502(front, backends, body):
    backends[DALLAS].answer = says(200, body, Content_Type="application/vnd.fly.replay+json")
    assert front.ask().status == 502
    assert backends.seen == {DALLAS: 1}


def test_two_replay_headers_are_502(front, backends):
    two = f"HTTP/1.1 200 OK\r\nfly-replay: instance={AMSTERDAM}\r\nFly-Replay: instance={AMSTERDAM}\r\nContent-Length: 0\r\n\r\n"
    backends[DALLAS].answer = raw(two.encode())
    assert front.ask().status == 502


def test_ten_replays_and_no_more(front, backends):
    count = 0

    async def again(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal count
        count += 1
        await (says(200, b"at last") if count == allowed else replays("region=dfw"))(request, reader, writer)

    backends[DALLAS].answer = again
    allowed = 11
    answer = front.ask()
    assert answer.body == b"at last" and front.hops(answer.request_id)[-1]["replays"] == 10
    count, allowed = 0, 12
    answer = front.ask()
    assert answer.status == 502 and b"more than 10 replays" in answer.body
    assert len(front.hops(answer.request_id)) == 11


def test_each_replay_names_its_own_source(front, backends):
    backends[DALLAS].answer = replays(f"instance={AMSTERDAM};state=one")
    backends[AMSTERDAM].answer = replays(f"instance={SYDNEY}")
    assert front.ask().body == SYDNEY.encode()
    (source,) = backends[SYDNEY].requests[0].all("fly-replay-src")
    assert source.startswith(f"instance={AMSTERDAM};region=ams;t=") and "state" not in source


@pytest.mark.parametrize("how", ["unknown", "destroyed", "cordoned", "refused"])
def test_a_preferred_instance_that_is_missed_is_said(front, backends, how):
    missed = SYDNEY
    match how:
        case "unknown":
            missed = "0000000000dead"
        case "destroyed":
            front.control(f"/backends/{SYDNEY}/destroy")
        case "cordoned":
            front.control(f"/backends/{SYDNEY}/cordon")
        case "refused":
            backends[SYDNEY].close()
    front.pin(AMSTERDAM)
    backends[AMSTERDAM].answer = replays(f"prefer_instance={missed}")
    answer = front.ask()
    assert answer.body == DALLAS.encode()
    (request,) = backends[DALLAS].requests
    assert request.all("fly-preferred-instance-unavailable") == [missed]
    assert request.get("fly-replay-src").startswith(f"instance={AMSTERDAM};")


@pytest.mark.parametrize(
    ("how", "options", "reason"),
    [
        ("black hole", ";timeout=200ms", "timeout"),
        ("black hole", "", "retries_exhausted"),
        ("refused", ";timeout=10s", "retries_exhausted"),
        ("destroyed", "", "no_candidate"),
    ],
)
@pytest.mark.parametrize("fallback", ["force_self", "prefer_self", None])
def test_a_replay_that_fails_falls_back_where_it_says_so(front, backends, how, options, reason, fallback):
    match how:
        case "black hole":
            front.control(f"/backends/{SYDNEY}/black-hole", on=True)
        case "refused":
            backends[SYDNEY].close()
        case "destroyed":
            front.control(f"/backends/{SYDNEY}/destroy")

    async def comes_back(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        replay = f"instance={SYDNEY}{options}" + (f";fallback={fallback}" if fallback else "")
        await (says(200, b"served here") if request.all("fly-replay-failed") else replays(replay))(request, reader, writer)

    backends[AMSTERDAM].answer = comes_back
    front.pin(AMSTERDAM)
    began = time.monotonic()
    answer = front.ask()
    assert time.monotonic() - began < 10
    if fallback is None:
        assert answer.status == 502 and reason.encode() in answer.body
        return
    assert answer.body == b"served here"
    first, second = backends[AMSTERDAM].requests
    (failed,) = second.all("fly-replay-failed")
    assert re.fullmatch(rf"instance={SYDNEY};replay_source={AMSTERDAM};reason={reason};elapsed_ms=[0-9]+", failed)
    assert not second.all("fly-replay-src")


def test_a_fallback_cannot_replay_again_nor_go_anywhere(front, backends):
    backends[AMSTERDAM].answer = replays("instance=0000000000dead;fallback=force_self")
    front.pin(AMSTERDAM)
    answer = front.ask()
    assert answer.status == 502 and b"cannot be replayed again" in answer.body
    assert backends.seen == {AMSTERDAM: 2}


@pytest.mark.parametrize(("fallback", "status"), [("force_self", 502), ("prefer_self", 200)])
def test_a_fallback_to_who_is_gone(front, backends, fallback, status):
    async def cordons_itself(request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.to_thread(front.control, f"/backends/{AMSTERDAM}/cordon")
        await replays(f"instance=0000000000dead;fallback={fallback}")(request, reader, writer)

    backends[AMSTERDAM].answer = cordons_itself
    front.pin(AMSTERDAM)
    answer = front.ask()
    assert answer.status == status
    if status == 200:
        assert answer.body == DALLAS.encode() and backends[DALLAS].requests[0].all("fly-replay-failed")


@pytest.mark.parametrize("status", [101, 307])
@pytest.mark.parametrize("mode", ["any", "only-101", "not-101"])
def test_at_which_statuses_a_replay_counts(backends, mode, status):
    places = [backends[identifier].place for identifier in (DALLAS, AMSTERDAM)]
    backends[DALLAS].answer = replays(f"instance={AMSTERDAM}", status)
    with FlyProxy(*places, flags=("--replay-status", mode)) as front, front.connect() as client:
        client.upgrade("/")
        answer = client.answer()
        if mode == "any" or (mode == "only-101") == (status == 101):
            assert answer.body == AMSTERDAM.encode() and "fly-replay" not in answer.headers
        else:
            assert answer.status == status and answer.headers["fly-replay"] == [f"instance={AMSTERDAM}"]
            assert backends.seen == {DALLAS: 1}


# Bodies


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB])
def test_a_body_is_replayed_whole_up_to_a_mebibyte(front, backends, size, chunked):
    body = bytes(index * 7 % 251 for index in range(4096)) * (size // 4096 + 1)
    body = body[:size]
    backends[DALLAS].answer = replays(f"instance={AMSTERDAM}")
    with front.connect() as client:
        send_body(client, body, chunked)
        assert client.answer().body == AMSTERDAM.encode()
        assert backends[DALLAS].requests[0].body == body
        assert backends[AMSTERDAM].requests[0].body == body
        # Nothing of it is left over for the next request.
        client.request("/next")
        assert client.answer().body == AMSTERDAM.encode()


def send_body(client: RawClient, body: bytes, chunked: bool) -> None:
    if not chunked:
        client.request("/", "POST", body=body)
        return
    client.request("/", "POST", {"Transfer-Encoding": "chunked"})
    for start in range(0, len(body), 50_000):
        piece = body[start : start + 50_000]
        client.send(b"%x\r\n%b\r\n" % (len(piece), piece))
    client.send(b"0\r\n\r\n")


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [MIB + 1, 5 * MIB])
def test_a_larger_body_streams_but_cannot_be_replayed(front, backends, size, chunked):
    with front.connect() as client:
        send_body(client, bytes(size), chunked)
        assert client.answer().body == DALLAS.encode()
    assert len(backends[DALLAS].requests[0].body) == size
    backends[DALLAS].answer = replays(f"instance={AMSTERDAM}")
    with front.connect() as client:
        send_body(client, bytes(size), chunked)
        assert client.answer().status == 413
    assert AMSTERDAM not in backends.seen


def test_an_answer_before_the_body_has_come_reaches_the_client(front, backends):
    backends[DALLAS].answer = answers_early
    with front.connect() as client:
        client.request("/", "POST", {"Content-Length": str(20 * MIB)})
        client.send(bytes(2 * MIB))
        answer = client.answer()
    assert answer.status == 413 and answer.body == b"too large" and answer.headers["connection"] == ["close"]


def test_expect_continue_is_the_proxys(front, backends):
    with front.connect() as client:
        client.request("/", "POST", {"Expect": "100-continue", "Content-Length": "4"})
        assert client.head().status == 100
        client.send(b"body")
        assert client.answer().status == 200
    (request,) = backends[DALLAS].requests
    assert request.body == b"body" and not request.all("expect")


# Answers


def test_a_connection_takes_one_request_after_the_other(front, backends):
    with front.connect() as client:
        client.send(b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        client.send(b"POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok")
        client.send(b"GET /4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        for method in ("GET", "HEAD", "POST"):
            answer = client.answer(method)
            assert answer.status == 200 and answer.headers["connection"] == ["keep-alive"]
        assert client.answer().headers["connection"] == ["close"]
        assert client.rest() == b""
    assert [request.target for request in backends[DALLAS].requests] == ["/1", "/2", "/3", "/4"]


def test_http_1_0_ends_with_its_answer(front):
    with front.connect() as client:
        client.send(b"GET / HTTP/1.0\r\n\r\n")
        assert client.rest().endswith(DALLAS.encode())


@pytest.mark.parametrize("chunked", [False, True])
def test_a_stream_comes_piece_by_piece(front, backends, chunked):
    go_on = threading.Event()

    async def stream(_: Request, __: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
        writer.write(b"Transfer-Encoding: chunked\r\n\r\n" if chunked else b"\r\n")
        for _ in range(3):
            writer.write(b"9\r\ndata: 1\n\n\r\n" if chunked else b"data: 1\n\n")
            await writer.drain()
            assert await asyncio.to_thread(go_on.wait, PATIENCE)
            go_on.clear()
        writer.write(b"0\r\n\r\n" if chunked else b"")

    backends[DALLAS].answer = stream
    with front.connect() as client:
        client.request()
        assert client.head().status == 200
        for _ in range(3):
            assert client.until(b"\n\n").endswith(b"data: 1\n\n")
            go_on.set()
        if chunked:
            assert client.until(b"0\r\n\r\n") and not client.received
        else:
            assert client.rest() == b""


def test_a_client_that_leaves_a_stream_frees_the_backend(front, backends):
    gone = threading.Event()

    async def stream(_: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nbegun")
        await reader.read()
        gone.set()

    backends[DALLAS].answer = stream
    with front.connect() as client:
        client.request()
        client.until(b"begun")
        assert load(front, DALLAS) == 1
    assert gone.wait(PATIENCE)
    wait_until(lambda: load(front, DALLAS) == 0, "the connection to be counted no more")


def test_a_client_that_leaves_before_its_answer_frees_the_backend(front, backends):
    gone = threading.Event()

    async def silence(_: Request, reader: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await reader.read()
        gone.set()

    backends[DALLAS].answer = silence
    with front.connect() as client:
        client.request()
        wait_until(lambda: load(front, DALLAS) == 1, "the request to be at the backend")
    assert gone.wait(PATIENCE)
    (line,) = wait_until(front.lines, "the hop's line")
    assert line["status"] is None and line["error"] == "the client went away"


@pytest.mark.parametrize(
    "rest",
    [b"Content-Length: 10\r\n\r\nhalf", b"Transfer-Encoding: chunked\r\n\r\na\r\nhalf", b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"],
    ids=["length", "chunk", "malformed"],
)
def test_half_an_answer_does_not_look_whole(front, backends, rest):
    backends[DALLAS].answer = raw(b"HTTP/1.1 200 OK\r\n" + rest)
    with front.connect() as client:
        client.request()
        with pytest.raises(ConnectionResetError):
            client.rest()


@pytest.mark.parametrize(
    "answer",
    [
        b"not HTTP\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX : a\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        b"HTTP/1.1 200",
    ],
    ids=range(14),
)
def test_an_answer_that_is_none_is_502(front, backends, answer):
    backends[DALLAS].answer = raw(answer)
    reply = front.ask()
    assert reply.status == 502 and backends.seen == {DALLAS: 1}


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: b\nY: c\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: b\x00\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", 400),
        (b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nx", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 5000 + b"\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 4000 + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"b" * 70_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"b" * 70_000, 431),
    ],
    ids=range(30),
)
def test_a_hostile_head_is_refused_and_harms_nobody(front, backends, head, status):
    with front.connect() as client:
        client.send(head)
        assert client.answer().status == status
        assert client.rest() == b""
    assert not backends.seen
    assert front.ask().status == 200


# Tunnels


async def echo(_: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Switches protocols, echoes until the client ends, then says goodbye on the half that is left."""
    writer.write(message(101, Connection="Upgrade", Upgrade="websocket"))
    while piece := await reader.read(65536):
        writer.write(piece)
        await writer.drain()
    writer.write(b"goodbye")


@contextlib.contextmanager
def tunnelled(front: FlyProxy, backend: Backend, answer: Answer = echo, **options: int) -> Iterator[RawClient]:
    normal, backend.answer = backend.answer, answer
    with RawClient(front.port, **options) as client:
        client.upgrade()
        head = client.head()
        assert head.status == 101 and head.headers["upgrade"] == ["websocket"] and head.headers["connection"] == ["Upgrade"]
        backend.answer = normal
        yield client


def test_a_101_opens_a_tunnel_both_ways_each_with_its_own_end(front, backends):
    with tunnelled(front, backends[DALLAS]) as client:
        (request,) = backends[DALLAS].requests
        assert request.all("upgrade") == ["websocket"] and request.all("connection") == ["Upgrade"]
        data = bytes(range(256)) * 4096
        sender = threading.Thread(target=client.send, args=(data,))
        sender.start()
        assert client.exactly(len(data)) == data
        sender.join()
        client.socket.shutdown(socket.SHUT_WR)
        assert client.rest() == b"goodbye"


def test_what_follows_the_handshake_at_once_goes_through(front, backends):
    backends[DALLAS].answer = echo
    with front.connect() as client:
        handshake = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n"
        client.send(handshake + b"early")
        assert client.head().status == 101
        assert client.exactly(5) == b"early"


def test_a_replayed_handshake_is_one_101(front, backends):
    backends[DALLAS].answer = says(101, Connection="Upgrade", Upgrade="websocket", fly_replay=f"instance={AMSTERDAM}")
    backends[AMSTERDAM].answer = echo
    with front.connect() as client:
        client.upgrade()
        head = client.head()
        client.send(b"hello")
        client.socket.shutdown(socket.SHUT_WR)
        assert head.status == 101 and client.rest() == b"hellogoodbye"
    assert "sec-websocket-key" in [name.lower() for name, _ in backends[AMSTERDAM].requests[0].fields]


def test_a_tunnel_pushes_back(front, backends):
    go_on = threading.Event()

    async def slow(_: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(message(101, Connection="Upgrade", Upgrade="websocket"))
        assert await asyncio.to_thread(go_on.wait, PATIENCE)
        count = 0
        while piece := await reader.read(1 << 20):
            count += len(piece)
        writer.write(str(count).encode())

    with tunnelled(front, backends[DALLAS], slow) as client:
        client.socket.settimeout(1)
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < TUNNEL_BYTES:
                sent += client.socket.send(bytes(65536))
        go_on.set()
        client.socket.settimeout(PATIENCE)
        client.socket.shutdown(socket.SHUT_WR)
        assert int(client.rest()) == sent < TUNNEL_BYTES


def test_a_tunnel_in_which_nothing_passes_is_closed(backends):
    with FlyProxy(backends[DALLAS].place, flags=("--idle-timeout", "0.5")) as front, tunnelled(front, backends[DALLAS]) as client:
        began = time.monotonic()
        assert client.rest() == b""
        assert 0.3 < time.monotonic() - began < 5


@pytest.mark.parametrize("what", ["kill", "destroy", "restart"])
def test_what_is_killed_resets_its_clients(front, backends, what):
    with tunnelled(front, backends[DALLAS]) as client, tunnelled(front, backends[pinned_to_amsterdam(front)]) as other:
        front.control(f"/backends/{DALLAS}/{what}", **({"port": backends[SYDNEY].port} if what == "restart" else {}))
        with pytest.raises(ConnectionResetError):
            client.rest()
        other.send(b"unharmed")
        assert other.exactly(8) == b"unharmed"
    expected = {"kill": DALLAS, "destroy": ASHBURN, "restart": SYDNEY}[what]
    assert front.ask().body == expected.encode()


def pinned_to_amsterdam(front: FlyProxy) -> str:
    """Pins the next request to Amsterdam, and names it."""
    front.pin(AMSTERDAM)
    return AMSTERDAM


def test_cordoning_leaves_what_is_connected(front, backends):
    with tunnelled(front, backends[DALLAS]) as client:
        front.control(f"/backends/{DALLAS}/cordon")
        client.send(b"still here")
        assert client.exactly(10) == b"still here"
        assert front.ask().body == ASHBURN.encode()


def test_a_black_hole_swallows_and_gives_back(front, backends):
    with tunnelled(front, backends[DALLAS]) as client:
        front.control(f"/backends/{DALLAS}/black-hole", on=True)
        client.send(b"later")
        client.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.more()
        began = time.monotonic()
        answer = front.ask()
        assert answer.body == ASHBURN.encode() and time.monotonic() - began > 1
        assert front.hops(answer.request_id)[0]["error"] == "connecting takes too long"
        front.control(f"/backends/{DALLAS}/black-hole", on=False)
        client.socket.settimeout(PATIENCE)
        assert client.exactly(5) == b"later"


def test_latency_is_added(front):
    front.control(f"/backends/{DALLAS}/latency", ms=150)
    began = time.monotonic()
    answer = front.ask()
    assert time.monotonic() - began > 0.3 and answer.status == 200
    assert front.hops(answer.request_id)[0]["ms"] > 300


# Control and log


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/", "{}", 405),
        ("GET", "/backends", None, 405),
        ("POST", "/nothing", "{}", 404),
        ("POST", f"/backends/{DALLAS}/paint", "{}", 404),
        ("POST", "/backends/0000000000dead/cordon", "{}", 404),
        ("POST", "/backends", "{", 400),
        ("POST", "/backends", "[]", 400),
        ("POST", "/backends", "{}", 400),
        ("POST", "/backends", '{"id": "a", "region": "dfw", "port": 0}', 400),
        ("POST", "/backends", '{"id": "a", "region": "dfw", "port": true}', 400),
        ("POST", "/backends", '{"id": "a", "region": "DFW", "port": 1}', 400),
        ("POST", "/backends", '{"id": "A!", "region": "dfw", "port": 1}', 400),
        ("POST", "/backends", '{"id": "a", "region": "dfw", "port": 1, "state": "tired"}', 400),
        ("POST", "/backends", '{"id": "a", "region": "dfw", "port": 1, "state": []}', 400),
        ("POST", "/backends", f'{{"id": "{DALLAS}", "region": "dfw", "port": 1}}', 409),
        ("POST", f"/backends/{DALLAS}/latency", '{"ms": -1}', 400),
        ("POST", f"/backends/{DALLAS}/latency", '{"ms": NaN}', 400),
        ("POST", f"/backends/{DALLAS}/black-hole", "{}", 400),
        ("POST", f"/backends/{DALLAS}/restart", "{}", 400),
        ("POST", "/pin-next", "{}", 400),
        ("POST", "/pin-next", '{"id": "0000000000dead"}', 404),
        ("POST", "/pin-next", f'{{"id": "{DALLAS}", "count": 100000}}', 400),
        ("POST", "/edge", "{}", 400),
    ],
)
def test_control_says_what_is_wrong(front, method, path, body, status):
    before = front.table()
    answered, said = front.ask_control(method, path, body)
    assert answered == status and said["error"]
    assert front.table() == before


def test_the_table_shows_what_was_done(front):
    front.control("/backends", id="0ad0000000000a", region="iad", port=1, state="stopped")
    front.control(f"/backends/{AMSTERDAM}/destroy")
    front.control(f"/backends/{SYDNEY}/latency", ms=5)
    table = front.control("/pin-next", id=SYDNEY, count=2)
    assert table["edge"] == "dfw" and table["pins"] == [SYDNEY, SYDNEY]
    states = {each["id"]: each["state"] for each in table["backends"]}
    assert states == {DALLAS: "started", AMSTERDAM: "destroyed", SYDNEY: "started", ASHBURN: "started", "0ad0000000000a": "stopped"}
    assert next(each["latency_ms"] for each in table["backends"] if each["id"] == SYDNEY) == 5
    # The id of what was destroyed is free again.
    front.control("/backends", id=AMSTERDAM, region="ams", port=free_port())


def test_a_hop_is_a_line(front, backends):
    answer = front.ask("/a?b", "PUT")
    (line,) = front.lines()
    assert line.pop("time") == pytest.approx(time.time(), abs=PATIENCE) and 0 < line.pop("ms") < PATIENCE * 1000
    assert line == {
        "request": answer.request_id,
        "hop": 1,
        "replays": 0,
        "backend": DALLAS,
        "method": "PUT",
        "target": "/a?b",
        "status": 200,
        "replay": None,
        "why": "nearest, then least loaded",
        "error": None,
    }


def test_a_client_that_leaves_while_its_backend_is_being_connected_frees_it(front, backends):
    for step in range(400):
        with front.connect() as client:
            client.request()
            # From at once to a millisecond later: connecting takes some hundred microseconds.
            leaving = time.perf_counter() + step % 40 * 25e-6
            while time.perf_counter() < leaving:
                pass
    # Who came before it has been accepted by then.
    assert front.ask().status == 200
    wait_until(lambda: load(front, DALLAS) == 0, "no connection to be counted")
