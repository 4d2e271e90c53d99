"""Requests that name a VM or a region, on VMs of three regions behind the stand-in for Fly's proxy: whatever hop comes first, the right VM
answers, after as few replays as it takes, and the client sees one answer."""

import json
import pathlib
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NamedTuple

import pytest

from crier_server import CrierServer, free_port
from curl import curl
from fly_proxy import FlyProxy, Place, RawAnswer, RawClient
from redis_process import RedisProcess
from waiting import wait_until

MIB = 1 << 20
# A VM that is killed stays in the registry until its lease ends; the others look every two seconds.
LEASE_SECONDS = 40.0

DALLAS, AMSTERDAM, SYDNEY = "da11a500000001", "a357e2da300002", "5d9e7000000005"
REGIONS = {DALLAS: "dfw", AMSTERDAM: "ams", SYDNEY: "syd"}
# Valid as an id, and of nobody.
NOBODY = "0000000000dead"
# In the proxy's table, with nobody on its port.
DEAD = "dead0000000000"

ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


class Setup(NamedTuple):
    """AFFINITY_REPLAY and AFFINITY_STATUS."""

    replay: str
    status: int

    def __str__(self) -> str:
        return f"{self.replay}-{self.status}"


class Deployment:
    """Three VMs on one bus, and a proxy in Dallas for each idea of the statuses at which a replay counts."""

    def __init__(self, folder: pathlib.Path, setup: Setup = Setup("prefer_instance", 307), proxies: tuple[str, ...] = ("any",), **environment: str):
        self.setup = setup
        self.redis = RedisProcess(folder)
        self.servers: dict[str, CrierServer] = {}
        self.proxies: dict[str, FlyProxy] = {}
        self._modes = proxies
        self._environment = {"AFFINITY_REPLAY": setup.replay, "AFFINITY_STATUS": str(setup.status), "FLY_APP_NAME": "crier", **environment}
        self._stack = ExitStack()
        self._is_acquainted = False

    def __enter__(self) -> "Deployment":
        try:
            self._stack.callback(self.redis.kill)
            self.redis.start()
            for vm, region in REGIONS.items():
                identity = {"FLY_ALLOC_ID": vm, "FLY_REGION": region, "BUS": "redis", "REDIS_URL": self.redis.url}
                sizes = {"MAX_BODY": str(2 * MIB), "MAX_TEXT": str(MIB), "MAX_PENDING": str(4 * MIB)}
                server = CrierServer(**identity, **sizes, **self._environment)
                self._stack.callback(server.discard)
                self.servers[vm] = server.start()
            for mode in self._modes:
                places = [*self.places, Place(DEAD, "iad", free_port())]
                self.proxies[mode] = self._stack.enter_context(FlyProxy(*places, flags=("--replay-status", mode)))
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, kind, error, traceback) -> None:
        with self._stack:
            if kind is None:
                for server in self.servers.values():
                    server.stop()

    @property
    def places(self) -> list[Place]:
        return [Place(vm, REGIONS[vm], server.port) for vm, server in self.servers.items()]

    @property
    def front(self) -> FlyProxy:
        return self.proxies["any"]

    def acquaint(self) -> None:
        """Until every VM knows that the others are there: it would serve here what is meant for those that it does not know."""
        if self._is_acquainted:
            return
        for vm, server in self.servers.items():
            for other in self.servers.keys() - {vm}:
                wait_until(lambda server=server, other=other: replays(server, other), f"{vm} to replay what is meant for {other}")
        self._is_acquainted = True


def replays(server: CrierServer, target: str) -> bool:
    return "fly-replay" in direct(server, f"/v1/vms?fly_instance_id={target}").headers


def direct(server: CrierServer, target: str, method: str = "GET", headers: dict[str, str] | None = None, body: bytes | None = None) -> RawAnswer:
    """One request past the proxy."""
    with RawClient(server.port) as client:
        client.request(target, method, headers, body)
        return client.answer(method)


@pytest.fixture(scope="module")
def deployment(request, tmp_path_factory) -> Iterator[Deployment]:
    with Deployment(tmp_path_factory.mktemp("redis"), request.param, ("any", "only-101", "not-101")) as running:
        yield running


@pytest.fixture
def own_deployment(tmp_path) -> Iterator[Callable[..., Deployment]]:
    """Starts one for a test that stops or configures VMs."""
    with ExitStack() as stack:
        yield lambda *arguments, **environment: stack.enter_context(Deployment(tmp_path, *arguments, **environment))


with_setups = pytest.mark.parametrize(
    "deployment", [Setup(replay, status) for replay in ("prefer_instance", "instance", "region") for status in (307, 101)], indirect=True, ids=str
)
with_default = pytest.mark.parametrize("deployment", [Setup("prefer_instance", 307)], indirect=True, ids=str)


# The matrix


class Way(NamedTuple):
    """How a request names its target, on a plain request and on a handshake."""

    plain: str
    socket: str
    cookie: str | None = None
    is_region: bool = False

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.cookie is None else {"Cookie": f"theme=dark; crier_vm={self.cookie}"}


WAYS = {
    "query, id": Way(f"/v1/vms?fly_instance_id={AMSTERDAM}", f"/ws?fly_instance_id={AMSTERDAM}"),
    "query, region": Way("/v1/vms?region=ams", "/ws?region=ams", is_region=True),
    "path, id": Way(f"/rooms/vm/{AMSTERDAM}", f"/rooms/vm/{AMSTERDAM}/ws"),
    "path, region": Way("/rooms/ams", "/rooms/ams/ws", is_region=True),
    "cookie": Way("/v1/vms", "/ws", cookie=AMSTERDAM),
}
FIRST_HOPS = {"right": AMSTERDAM, "wrong": SYDNEY, "dead": DEAD}


class Table:
    """The replays that a connection needed, for each cell of the matrix, or the error that its client got."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, ...], dict[str, set[str]]] = {}

    def note(self, row: tuple[str, ...], way: str, said: str) -> None:
        self._cells.setdefault(row, {}).setdefault(way, set()).add(said)

    def __str__(self) -> str:
        rows = [("AFFINITY_REPLAY", "status", "proxy replays at", "first hop", *WAYS)]
        for row, cells in self._cells.items():
            rows.append((*row, *(" ".join(sorted(cells.get(way, {"-"}))) for way in WAYS)))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


@pytest.fixture(scope="session")
def table(request) -> Iterator[Table]:
    """Printed when all have noted theirs."""
    noted = Table()
    yield noted
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n\nReplays that a connection needed, and in brackets what its client got where there was none:\n{noted}")


@pytest.mark.parametrize("kind", ["plain", "websocket"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("first", FIRST_HOPS)
@pytest.mark.parametrize("mode", ["any", "only-101", "not-101"])
@with_setups
def test_the_right_vm_answers(deployment, table, mode, first, way, kind):
    named, front, setup = WAYS[way], deployment.proxies[mode], deployment.setup
    if first != "right":
        deployment.acquaint()
    front.pin(FIRST_HOPS[first])
    with front.connect() as client:
        if kind == "plain":
            client.request(named.plain, headers=named.headers)
            answer = client.answer()
        else:
            client.upgrade(named.socket, named.headers)
            answer = client.answer()
            if answer.status == 101 and "fly-replay" not in answer.headers:
                assert_only_socket(client, answer, AMSTERDAM)
    hops = front.hops(answer.request_id)
    row = (setup.replay, str(setup.status), mode, first)
    if first == "dead":
        assert hops[0]["backend"] == DEAD and hops[0]["status"] is None
        hops = hops[1:]
    if first == "right":
        assert len(hops) == 1
    else:
        assert hops[0]["status"] == setup.status
    counts = mode == "any" or (mode == "only-101") == (setup.status == 101)
    if first != "right" and not counts:
        # Such a proxy and such a status do not go together: the client gets the replay, or an error where it asked for no upgrade.
        assert len(hops) == 1
        if setup.status == 101 and kind == "plain":
            assert answer.status == 502
        else:
            assert answer.status == setup.status and answer.headers["fly-replay"] == [expected_field(setup, named)]
        table.note(row, way, f"({answer.status})")
        return
    table.note(row, way, str(hops[-1]["replays"]))
    assert hops[-1]["backend"] == AMSTERDAM
    assert hops[-1]["replays"] == (0 if first == "right" else 1)
    if first != "right":
        assert [hop["replay"] for hop in hops] == [expected_field(setup, named), None]
    assert "fly-replay" not in answer.headers and answer.status not in (307, 502)
    is_room = named.plain.startswith("/rooms/")
    # Nobody is signed in, so a room's socket is refused.
    assert answer.status == (200 if kind == "plain" else 401 if is_room else 101)
    assert cookies(answer) == ([f"crier_vm={AMSTERDAM}; Path=/; Max-Age=86400; SameSite=Lax; HttpOnly"] if way == "query, id" else [])


def expected_field(setup: Setup, named: Way) -> str:
    if named.is_region or setup.replay == "region":
        return "region=ams;fallback=prefer_self"
    return f"{setup.replay}={AMSTERDAM}" + (";fallback=prefer_self" if setup.replay == "instance" else "")


def assert_only_socket(client: RawClient, answer: RawAnswer, vm: str) -> None:
    """The handshake's answer was one, and what follows it is frames of this VM."""
    assert answer.headers["sec-websocket-accept"] == [ACCEPT]
    assert [value.lower() for value in answer.headers["upgrade"]] == ["websocket"]
    opened = first_text(client)
    assert opened["event"] == "open" and opened["vm"] == vm


def first_text(client: RawClient) -> dict:
    """An unmasked, unfragmented text frame (RFC 6455 section 5.2)."""
    first, length = client.exactly(2)
    assert first == 0x81 and length < 127
    if length == 126:
        length = int.from_bytes(client.exactly(2), "big")
    return json.loads(client.exactly(length))


def cookies(answer: RawAnswer) -> list[str]:
    return [cookie for cookie in answer.headers.get("set-cookie", []) if cookie.startswith("crier_vm=")]


RESET = "crier_vm=; Path=/; Max-Age=0"


def assert_reset(answer: RawAnswer) -> None:
    (cookie,) = cookies(answer)
    assert cookie.startswith(RESET), cookie


def assert_same_answer(answer: RawAnswer) -> None:
    assert answer.status == 200 and "fly-replay" not in answer.headers


# The replay itself


@with_setups
@pytest.mark.parametrize("kind", ["GET", "POST", "HEAD", "websocket", "HTTP/1.0"])
def test_a_replay_is_a_header_and_nothing_else(deployment, kind):
    deployment.acquaint()
    target = f"/ws?fly_instance_id={AMSTERDAM}"
    with RawClient(deployment.servers[DALLAS].port) as client:
        match kind:
            case "websocket":
                client.upgrade(target)
            case "HTTP/1.0":
                client.send(f"GET {target} HTTP/1.0\r\n\r\n".encode())
            case _:
                client.request(target, kind, body=b"body" if kind == "POST" else None)
        head = client.head()
        assert head.status == deployment.setup.status
        assert head.headers["fly-replay"] == [expected_field(deployment.setup, WAYS["query, id"])]
        assert head.headers["content-length"] == ["0"] and head.headers["connection"] == ["close"]
        assert not head.headers.keys() & {"upgrade", "sec-websocket-accept", "transfer-encoding", "location", "set-cookie"}
        assert client.rest() == b""


@pytest.mark.parametrize("status", [200, 409, 503])
def test_any_status_will_do(own_deployment, status):
    deployment = own_deployment(Setup("prefer_instance", status), ("any", "not-101"))
    deployment.acquaint()
    for front in deployment.proxies.values():
        for target in (f"/v1/vms?fly_instance_id={AMSTERDAM}", "/v1/vms?region=ams"):
            answer = front.ask(target)
            assert_same_answer(answer)
            assert [(hop["backend"], hop["status"]) for hop in front.hops(answer.request_id)] == [(DALLAS, status), (AMSTERDAM, 200)]


@with_default
def test_the_query_goes_before_the_path_and_the_path_before_the_cookie(deployment):
    deployment.acquaint()
    cookie = {"Cookie": f"crier_vm={DALLAS}"}
    for target, headers, expected in [
        (f"/rooms/syd?fly_instance_id={AMSTERDAM}", cookie, AMSTERDAM),
        (f"/rooms/vm/{SYDNEY}?region=ams", cookie, AMSTERDAM),
        ("/rooms/syd", cookie, SYDNEY),
        (f"/rooms/vm/{SYDNEY}/messages?since=1", cookie, SYDNEY),
        ("/rooms/syd/ws", cookie, SYDNEY),
        ("/v1/vms", cookie, DALLAS),
        (f"/v1/vms?x=1&fly_instance_id={AMSTERDAM}&fly_instance_id={SYDNEY}", {}, AMSTERDAM),
        (f"/v1/vms?fly_instance_id={AMSTERDAM}&region=syd", {}, AMSTERDAM),
        ("/v1/vms?region=syd&region=ams", {}, SYDNEY),
        ("/v1/vms", {"Cookie": f"a=b; crier_vm={SYDNEY}; crier_vm={AMSTERDAM}"}, SYDNEY),
        ("/v1/vms", {"Cookie": f"not_crier_vm={SYDNEY}"}, DALLAS),
        (f"/v1/vms?not_fly_instance_id={SYDNEY}", {}, DALLAS),
        (f"/roomsters/vm/{SYDNEY}", {}, DALLAS),
    ]:
        front = deployment.front
        answer = front.ask(target, headers=headers)
        assert front.hops(answer.request_id)[-1]["backend"] == expected, target


@with_default
def test_the_cookie_keeps_a_browser_where_it_is(deployment):
    deployment.acquaint()
    front = deployment.front
    (cookie,) = cookies(front.ask(f"/v1/vms?fly_instance_id={SYDNEY}"))
    kept = {"Cookie": cookie.partition(";")[0]}
    answer = front.ask("/v1/vms", headers=kept)
    assert_same_answer(answer)
    assert front.hops(answer.request_id)[-1]["backend"] == SYDNEY
    # Where it is right the cookie is neither set anew nor reset.
    assert not cookies(answer)


@with_default
def test_behind_https_the_cookie_is_secure(deployment):
    with FlyProxy(*deployment.places, flags=("--proto", "https")) as front:
        (cookie,) = cookies(front.ask(f"/v1/vms?fly_instance_id={DALLAS}"))
    assert cookie == f"crier_vm={DALLAS}; Path=/; Max-Age=86400; SameSite=Lax; HttpOnly; Secure"


@with_default
@pytest.mark.parametrize("form", ["sse", "json"])
def test_a_stream_is_replayed_before_it_begins(deployment, form, topic):
    deployment.acquaint()
    front = deployment.front
    with front.connect() as client:
        client.request(f"/{topic}/{form}?fly_instance_id={SYDNEY}")
        head = client.head()
        assert head.status == 200 and "fly-replay" not in head.headers
        assert f'"vm":"{SYDNEY}"'.encode() in client.until(b"\n\n" if form == "sse" else b"\n")
        assert len(cookies(RawAnswer(*head[:2], b"", head.raw))) == 1


@with_default
def test_a_connection_goes_on_after_a_replay(deployment):
    deployment.acquaint()
    with deployment.front.connect() as client:
        for vm in (SYDNEY, AMSTERDAM, DALLAS, SYDNEY):
            client.request(f"/v1/vms?fly_instance_id={vm}")
            answer = client.answer()
            assert_same_answer(answer)
            assert deployment.front.hops(answer.request_id)[-1]["backend"] == vm


# Bodies


@with_setups
@pytest.mark.parametrize("form", ["length", "chunked", "framework"])
@pytest.mark.parametrize("size", [1, 4096, 300_000, MIB])
def test_the_body_of_a_replayed_post_arrives_once_and_whole(deployment, size, form):
    deployment.acquaint()
    topic = f"bodies-{uuid.uuid4().hex[:12]}"
    body = (uuid.uuid4().hex * (size // 32 + 1))[:size].encode()
    # A head that two readers could read differently is the HTTP framework's.
    headers = {"framework": {"X-Spaced": "a  b", "Accept-Encoding": "identity;q=0.5, *;q=0"}}.get(form, {})
    target = f"/{topic}?fly_instance_id={AMSTERDAM}"
    with deployment.front.connect() as client:
        if form == "chunked":
            client.request(target, "POST", {"Transfer-Encoding": "chunked"})
            for start in range(0, size, 70_000):
                piece = body[start : start + 70_000]
                client.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            client.send(b"0\r\n\r\n")
        else:
            client.request(target, "POST", headers, body)
        answer = client.answer()
    assert answer.status == 200, answer.body[:500]
    assert [hop["backend"] for hop in deployment.front.hops(answer.request_id)] == [DALLAS, AMSTERDAM]
    for server in deployment.servers.values():
        (held,) = wait_until(lambda server=server: messages(server, topic), "the alert at every VM")
        assert held["message"].encode() == body and held["region"] == "ams"


def messages(server: CrierServer, topic: str) -> list[dict]:
    return [event for event in curl(f"{server.url}/{topic}/json?poll=1").lines if event["event"] == "message"]


@with_default
def test_a_body_that_is_too_large_to_be_replayed_is_refused_and_not_published(deployment, topic):
    deployment.acquaint()
    for size in (MIB + 1, 2 * MIB):
        answer = deployment.front.ask(f"/{topic}?fly_instance_id={AMSTERDAM}", "POST", body=b"x" * size)
        assert answer.status == 413 and b"cannot be replayed" in answer.body
        (hop,) = deployment.front.hops(answer.request_id)
        assert hop["status"] == 307 and hop["replay"]
    assert deployment.front.ask(f"/{topic}?fly_instance_id={AMSTERDAM}", "POST", body=b"small").status == 200
    assert [each["message"] for each in messages(deployment.servers[AMSTERDAM], topic)] == ["small"]


# Loops


@with_setups
@pytest.mark.parametrize("way", ["query", "cookie"])
def test_two_vms_that_disagree_do_not_play_ball(deployment, way):
    """The proxy has their ids crossed, so that whoever is named is never who is reached."""
    deployment.acquaint()
    dallas, amsterdam = (deployment.servers[vm].port for vm in (DALLAS, AMSTERDAM))
    with FlyProxy(Place(DALLAS, "dfw", amsterdam), Place(AMSTERDAM, "ams", dallas)) as front:
        for target in (DALLAS, AMSTERDAM):
            front.pin(target)
            if way == "query":
                answer = front.ask(f"/v1/vms?fly_instance_id={target}")
                assert not cookies(answer)
            else:
                answer = front.ask("/v1/vms", headers={"Cookie": f"crier_vm={target}"})
                assert_reset(answer)
            assert_same_answer(answer)
            assert front.hops(answer.request_id)[-1]["replays"] == 1


@with_setups
def test_a_cookie_of_a_vm_that_is_no_more_is_reset_without_a_replay(deployment):
    front = deployment.front
    for headers in ({"Cookie": f"crier_vm={NOBODY}"}, {"Cookie": f"a=b; crier_vm={NOBODY}; c=d"}):
        answer = front.ask("/v1/vms", headers=headers)
        assert_same_answer(answer)
        assert_reset(answer)
        assert [hop["backend"] for hop in front.hops(answer.request_id)] == [DALLAS]
    with front.connect() as client:
        client.upgrade("/ws", {"Cookie": f"crier_vm={NOBODY}"})
        answer = client.answer()
        assert answer.status == 101
        assert_reset(answer)
        assert_only_socket(client, answer, DALLAS)
    for target in (f"/v1/vms?fly_instance_id={NOBODY}", "/v1/vms?region=zzz"):
        answer = front.ask(target)
        assert_same_answer(answer)
        assert len(front.hops(answer.request_id)) == 1


@pytest.mark.parametrize("replay", ["prefer_instance", "instance", "region"])
def test_a_vm_that_dies_costs_at_most_one_replay(own_deployment, replay):
    deployment = own_deployment(Setup(replay, 307))
    deployment.acquaint()
    front = deployment.front
    deployment.servers.pop(SYDNEY).kill()

    def ask() -> tuple[RawAnswer, int]:
        answer = front.ask("/v1/vms", headers={"Cookie": f"crier_vm={SYDNEY}"})
        return answer, max(hop["replays"] for hop in front.hops(answer.request_id))

    answer, replays_needed = ask()
    # Its lease has not ended: the others take it for alive.
    assert replays_needed == 1
    assert_same_answer(answer)
    assert_reset(answer)

    def is_forgotten() -> bool:
        nonlocal answer
        answer, replays_needed = ask()
        return replays_needed == 0

    wait_until(is_forgotten, "the VM's lease to end", LEASE_SECONDS)
    assert_same_answer(answer)
    assert_reset(answer)


@with_setups
@pytest.mark.parametrize(
    "said",
    [
        {"fly-replay-src": f"instance={SYDNEY};region=syd;t=1;state=x"},
        {"Fly-Replay-Src": f"instance={SYDNEY},region=syd,t=1"},
        {"fly-replay-src": "nonsense"},
        {"fly-replay-failed": f"instance={AMSTERDAM};reason=timeout"},
        {"fly-preferred-instance-unavailable": AMSTERDAM},
    ],
    ids=str,
)
def test_what_has_been_replayed_is_served(deployment, said):
    """Past the proxy, since it lets nobody else say this."""
    deployment.acquaint()
    server = deployment.servers[DALLAS]
    answer = direct(server, "/v1/vms", headers={**said, "Cookie": f"crier_vm={AMSTERDAM}"})
    assert_same_answer(answer)
    assert_reset(answer)
    for target in (f"/v1/vms?fly_instance_id={AMSTERDAM}", "/v1/vms?region=ams"):
        assert_same_answer(direct(server, target, headers=said))
    with RawClient(server.port) as client:
        client.upgrade("/ws", {**said, "Cookie": f"crier_vm={AMSTERDAM}"})
        answer = client.answer()
        assert answer.status == 101
        assert_reset(answer)
        assert_only_socket(client, answer, DALLAS)


@with_default
def test_a_client_cannot_say_that_it_was_replayed(deployment):
    deployment.acquaint()
    forged = {"fly-replay-src": f"instance={SYDNEY}", "fly-replay-failed": "reason=timeout", "fly-preferred-instance-unavailable": AMSTERDAM}
    answer = deployment.front.ask(f"/v1/vms?fly_instance_id={AMSTERDAM}", headers=forged)
    assert deployment.front.hops(answer.request_id)[-1]["backend"] == AMSTERDAM


# What is no target

INJECTIONS = [
    "x%0d%0aX-Injected:%201",
    f"{AMSTERDAM}%0d%0aX-Injected:%201",
    f"{AMSTERDAM}%0aX-Injected:%201",
    f"{AMSTERDAM}%00",
    f"{AMSTERDAM};app=injected",
    f"{AMSTERDAM}%3Bapp%3Dinjected",
    f"{AMSTERDAM},app=injected",
    f'"{AMSTERDAM}"',
    f"%61{AMSTERDAM[1:]}",
    AMSTERDAM.upper(),
    f"{AMSTERDAM}+",
    f"+{AMSTERDAM}",
    "",
    "a",
    "a" * 21,
    "a" * 5000,
    "%F0%9F%92%A3%F0%9F%92%A3",
    "../../metrics",
    "ams;app=injected",
    "ams,any",
    '"ams,any"',
    "AMS",
    "am",
    "amsx",
    "%61ms",
]


@with_setups
@pytest.mark.parametrize("value", INJECTIONS, ids=range(len(INJECTIONS)))
def test_nothing_is_injected(deployment, value):
    deployment.acquaint()
    requests = [
        (f"/v1/vms?fly_instance_id={value}", {}),
        (f"/v1/vms?region={value}", {}),
        (f"/rooms/{value}", {}),
        (f"/rooms/{value}/ws", {}),
        (f"/rooms/vm/{value}", {}),
    ]
    # In a cookie a semicolon ends the value, and what is left is whole.
    if ";" not in value:
        requests += [("/v1/vms", {"Cookie": f"crier_vm={value}"}), ("/v1/vms", {"Cookie": f"a=b;crier_vm={value}; c=d"})]
    for target, headers in requests:
        for answer in (direct(deployment.servers[DALLAS], target, headers=headers), deployment.front.ask(target, headers=headers)):
            assert "fly-replay" not in answer.headers, target
            assert b"injected" not in answer.raw.lower(), target
            assert not any(re.match(r"crier_vm=[^;]", cookie) for cookie in cookies(answer)), target
        assert [hop["backend"] for hop in deployment.front.hops(answer.request_id)] == [DALLAS], target


@with_default
@pytest.mark.parametrize("raw", [b"\r", b"\n", b"\x00", b"\xff", b"\r\nX: "], ids=repr)
def test_control_characters_past_the_proxy_inject_nothing(deployment, raw):
    deployment.acquaint()
    query = (b"GET /v1/vms?fly_instance_id=", b" HTTP/1.1\r\nHost: a\r\n\r\n")
    cookie = (b"GET /v1/vms HTTP/1.1\r\nHost: a\r\nCookie: crier_vm=", b"\r\n\r\n")
    for before, after in (query, cookie):
        with RawClient(deployment.servers[DALLAS].port) as client:
            client.send(before + AMSTERDAM.encode() + raw + b"injected" + after)
            answer = client.answer()
        assert b"injected" not in answer.raw
        # A cookie that ends before the line break is whole, and the rest of it another header.
        if raw != b"\r\nX: ":
            assert "fly-replay" not in answer.headers


# What is not asked


@with_setups
@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
def test_checks_and_metrics_are_never_replayed(deployment, path):
    deployment.acquaint()
    for target, headers in [
        (f"{path}?fly_instance_id={AMSTERDAM}", {}),
        (f"{path}?region=ams", {}),
        (path, {"Cookie": f"crier_vm={AMSTERDAM}"}),
        (path, {"Cookie": f"crier_vm={NOBODY}"}),
    ]:
        for vm, server in deployment.servers.items():
            assert_same_answer(direct(server, target, headers=headers))
            deployment.front.pin(vm)
            answer = deployment.front.ask(target, headers=headers)
            assert_same_answer(answer)
            assert [hop["backend"] for hop in deployment.front.hops(answer.request_id)] == [vm]


@pytest.mark.parametrize("environment", [{"FLY_APP_NAME": None}, {"AFFINITY": "off"}], ids=["off Fly", "off"])
def test_off_is_inert(own_deployment, environment):
    deployment = own_deployment(Setup("prefer_instance", 307), **environment)
    wait_until(lambda: all(fleet(server) == set(REGIONS) for server in deployment.servers.values()), "all VMs in every VM's list")
    # Longer than a VM takes to look at the list, so that one with affinity would replay by then.
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        for named in WAYS.values():
            answer = direct(deployment.servers[DALLAS], named.plain, headers=named.headers)
            assert "fly-replay" not in answer.headers and not cookies(answer)
        answer = direct(deployment.servers[DALLAS], f"/v1/vms?fly_instance_id={DALLAS}", headers={"Cookie": f"crier_vm={NOBODY}"})
        assert answer.status == 200 and not cookies(answer)


def fleet(server: CrierServer) -> set[str]:
    return {vm["id"] for vm in curl(f"{server.url}/v1/vms").json["vms"]}


def test_on_needs_no_fly(own_deployment):
    deployment = own_deployment(Setup("prefer_instance", 307), FLY_APP_NAME=None, AFFINITY="on")
    deployment.acquaint()


def test_strict_refuses_what_nobody_is(own_deployment):
    deployment = own_deployment(Setup("prefer_instance", 307), AFFINITY_STRICT="on")
    deployment.acquaint()
    front = deployment.front
    for target, headers in [
        (f"/v1/vms?fly_instance_id={NOBODY}", {}),
        ("/v1/vms?region=zzz", {}),
        (f"/rooms/vm/{NOBODY}", {}),
        ("/v1/vms", {"Cookie": f"crier_vm={NOBODY}"}),
    ]:
        answer = front.ask(target, headers=headers)
        assert answer.status == 404 and len(front.hops(answer.request_id)) == 1, target
    assert_same_answer(front.ask(f"/v1/vms?fly_instance_id={AMSTERDAM}"))
    assert_same_answer(front.ask("/v1/vms"))
    # What is no target at all is no unknown one.
    assert_same_answer(front.ask("/v1/vms?fly_instance_id=x"))
