"""People talk in a room, somebody keeps saying numbered messages, and servers go: killed, restarted, scaled away, deployed anew. In Chromium,
behind the stand-in for Fly's proxy, with Redis as the bus."""

import http.client
import json
import math
import pathlib
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import pytest
from playwright.sync_api import BrowserContext, expect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from crier_server import CrierServer, free_port
from fly_proxy import FlyProxy, Place
from page import LIVE, RoomPage
from redis_process import RedisProcess
from waiting import PATIENCE, wait_until

FIRST, SECOND, FRANKFURT = "a357e2da300001", "a357e2da300002", "f4a2cf04700003"
REGIONS = {FIRST: "ams", SECOND: "ams", FRANKFURT: "fra"}

# What a person may have to wait for: a page that lost its VM tries soon, and later each time that it fails anew within a minute.
COMING_BACK_SECONDS = 20.0
# When everybody knows who is left of those who were on a VM that crashed.
PRESENCE_SECONDS = 10.0
KILLS = 12
GONE = "Some messages are gone. The room goes on from here."


class Fleet:
    """Two VMs in Amsterdam and one in Frankfurt on one bus, and the proxy in Amsterdam before them."""

    def __init__(self, folder: pathlib.Path, **environment: str):
        self.redis = RedisProcess(folder)
        self.servers: dict[str, CrierServer] = {}
        self.living: set[str] = set()
        self._environment = environment
        self._stack = ExitStack()

    def __enter__(self) -> "Fleet":
        try:
            self._stack.callback(self.redis.kill)
            self.redis.start()
            for vm, region in REGIONS.items():
                identity = {"FLY_APP_NAME": "crier", "FLY_ALLOC_ID": vm, "FLY_REGION": region, "TRUSTED_PROXY": "fly"}
                server = CrierServer(BUS="redis", REDIS_URL=self.redis.url, **identity, **self._environment)
                self._stack.callback(server.discard)
                self.servers[vm] = server.start()
                self.living.add(vm)
            places = [Place(vm, REGIONS[vm], server.port) for vm, server in self.servers.items()]
            self.front = self._stack.enter_context(FlyProxy(*places, region="ams"))
            self.wait_acquainted()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, kind, error, traceback) -> None:
        with self._stack:
            if kind is None:
                for vm in self.living:
                    self.servers[vm].stop()

    def wait_acquainted(self) -> None:
        """Until every VM that lives knows of these and no others."""
        for vm in self.living:
            wait_until(lambda vm=vm: self._known_by(vm) == self.living, lambda vm=vm: f"{vm} to know {self.living}, not {self._known_by(vm)}")

    def _known_by(self, vm: str) -> set[str]:
        return {other["id"] for other in json.loads(get(self.servers[vm].port, "/v1/lobby"))["vms"]}

    def crash(self, vm: str) -> float:
        """With what was on its way between the VM and the proxy. Returns when, in Unix seconds."""
        at = time.time()
        self.servers[vm].kill()
        self.front.control(f"/backends/{vm}/kill")
        self._is_gone(vm, "stop")
        return at

    @contextmanager
    def leaving(self, vm: str, change: str = "stop") -> Iterator[float]:
        """SIGTERM, and what is to be done meanwhile. The proxy finds out by itself, and is told at the end. Gives when, in Unix seconds."""
        with ThreadPoolExecutor(1) as pool:
            stopping = pool.submit(self.servers[vm].stop)
            yield time.time()
            stopping.result()
        self._is_gone(vm, change)

    def come_back(self, vm: str) -> None:
        """With the same id, and on another port."""
        server = self.servers[vm]
        server.port = free_port()
        server.start()
        self.living.add(vm)
        self.front.control(f"/backends/{vm}/restart", port=server.port)

    def _is_gone(self, vm: str, change: str) -> None:
        self.living.discard(vm)
        self.front.control(f"/backends/{vm}/{change}")

    def sign_in(self, name: str) -> str:
        """The cookie of somebody who has no browser."""
        connection = http.client.HTTPConnection("127.0.0.1", self.front.port, timeout=PATIENCE)
        try:
            connection.request("POST", "/session", json.dumps({"name": name}), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            return answer.headers["Set-Cookie"].partition(";")[0]
        finally:
            connection.close()

    def log(self, room: str, cookie: str) -> list[dict]:
        """What was said, as all VMs have it that live."""
        return wait_until(lambda: self._same_log(room, cookie), "the same log at all VMs")

    def _same_log(self, room: str, cookie: str) -> list[dict] | None:
        first, *rest = (self.log_of(vm, room, cookie) for vm in self.living)
        return first if all(log == first for log in rest) else None

    def log_of(self, vm: str, room: str, cookie: str) -> list[dict]:
        """What was said, as one VM has it."""
        lines = get(self.servers[vm].port, f"/_room-{room}/json?poll=1&since=all", cookie).decode().splitlines()
        return [event for event in map(json.loads, filter(None, lines)) if event["event"] == "message"]

    def oldest(self, room: str, cookie: str) -> str:
        """The oldest id that any VM still has."""
        return min(self.log_of(vm, room, cookie)[0]["id"] for vm in self.living)

    def people(self, room: str, cookie: str) -> set[str]:
        """Who is in a room, as whoever the proxy chooses says."""
        return {person["name"] for person in json.loads(get(self.front.port, f"/v1/rooms/{room}", cookie))["people"]}


def get(port: int, path: str, cookie: str = "") -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (path, answer.status, body)
        return body
    finally:
        connection.close()


class Writer:
    """Says numbered messages in a room, one after the other and not too fast, each until it is acknowledged."""

    NAME = "steady"
    _PAUSE = 0.05
    _LIMIT = 4000
    _ANSWERS_WITHIN = 30.0

    def __init__(self, fleet: Fleet, room: str, past_proxy_to: str | None = None):
        self.room = room
        self.cookie = fleet.sign_in(self.NAME)
        self.acknowledged: list[tuple[str, str]] = []
        self._port = fleet.front.port if past_proxy_to is None else fleet.servers[past_proxy_to].port
        self._stopped = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Writer":
        self._thread.start()
        self.wait_for(5)
        return self

    def __exit__(self, kind, *_) -> None:
        self._end()
        if kind is None and self._failure:
            raise self._failure

    def stop(self) -> None:
        """Says no more. What it said until then is acknowledged."""
        self._end()
        if self._failure:
            raise self._failure

    def _end(self) -> None:
        self._stopped.set()
        self._thread.join(self._ANSWERS_WITHIN + PATIENCE)
        assert not self._thread.is_alive(), "the writer ends"

    def wait_for(self, more: int) -> None:
        """Until so many more were acknowledged."""
        target = len(self.acknowledged) + more
        wait_until(lambda: len(self.acknowledged) >= target or self._failure, f"{more} more messages", self._ANSWERS_WITHIN)
        if self._failure:
            raise self._failure

    def _run(self) -> None:
        try:
            for number in range(self._LIMIT):
                self._say(f"number {number}")
                if self._stopped.wait(self._PAUSE):
                    return
            raise AssertionError(f"a test that needs more than {self._LIMIT} messages")
        except BaseException as error:
            self._failure = error

    def _say(self, text: str) -> None:
        headers = {"Cookie": self.cookie, "Idempotency-Key": uuid.uuid4().hex}
        deadline = time.monotonic() + self._ANSWERS_WITHIN
        while (alert := self._publish(text, headers)) is None:
            assert time.monotonic() < deadline, f"nobody takes {text}"
            self._stopped.wait(self._PAUSE)
        self.acknowledged.append((alert["id"], text))

    def _publish(self, text: str, headers: dict[str, str]) -> dict | None:
        """None where nobody knows whether it was taken, or it was not."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        try:
            connection.request("POST", f"/_room-{self.room}", text, headers)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        if answer.status in (502, 503):
            return None
        assert answer.status == 200, (answer.status, body)
        return json.loads(body)


# Runs before the page's own scripts: when the page showed which state, and when it showed what others said.
TIMELINE = """
window.__timeline = [];
new MutationObserver((records) => {
  const note = (what) => window.__timeline.length < 20_000 && window.__timeline.push([what, Date.now() / 1000]);
  for (const { target, type, addedNodes } of records) {
    if (type === "attributes") {
      if (target.id === "state") note(target.dataset.state);
    } else for (const node of addedNodes) if (node.matches?.(".said:not(.own)")) note("message");
  }
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-state"] });
"""


class Return(NamedTuple):
    """What a person waited for after a crash, in seconds."""

    live: float
    message: float


class Visitor(RoomPage):
    """A page in a room that is never loaded again."""

    def __init__(self, context: BrowserContext, fleet: Fleet, room: str, name: str):
        super().__init__(context, f"{fleet.front.url}/rooms/{room}")
        self.page.add_init_script(TIMELINE)
        self.name = name
        self.room = room
        self.own: list[str] = []
        self.enter(name)
        self.page.evaluate("window.__entered = true")
        self.enough()

    def enough(self) -> None:
        wait_until(lambda: len(self.said) >= 5, "what is said by others")

    @property
    def vm(self) -> str:
        return self.page.locator("#vm").inner_text().removeprefix("VM ")

    def speak(self) -> None:
        """Says something new, whatever the connection is like."""
        self.own.append(f"{self.name} {len(self.own)}")
        self.say(self.own[-1])

    @property
    def timeline(self) -> list[tuple[str, float]]:
        return [(what, at) for what, at in self.page.evaluate("window.__timeline")]

    def wait_return(self, since: float) -> Return:
        """Until the page was not live, is live again and shows what was said since then."""

        def returned() -> Return | None:
            later = [(what, at) for what, at in self.timeline if at >= since]
            lost = next((index for index, (what, _) in enumerate(later) if what not in (LIVE, "message")), None)
            if lost is None:
                return None
            back = next((index for index in range(lost, len(later)) if later[index][0] == LIVE), None)
            heard = None if back is None else next((at for what, at in later[back:] if what == "message"), None)
            return None if heard is None else Return(later[back][1] - since, heard - since)

        return wait_until(returned, lambda: f"{self.name} to be back, after {self.timeline[-5:]}", COMING_BACK_SECONDS)

    def wait_vm(self, *vms: str) -> None:
        """Until the page is live on one of these."""

        def is_there() -> bool:
            return self.page.locator("#state").get_attribute("data-state") == LIVE and self.vm in vms

        wait_until(is_there, lambda: f"{self.name} on one of {vms}, not {self.vm}: {self.timeline[-5:]}", COMING_BACK_SECONDS)

    def assert_undisturbed(self) -> None:
        """It is the page that was entered, its person is signed in, and nobody was told that messages are gone or that people left."""
        assert self.page.evaluate("window.__entered") is True, "the page was loaded again"
        assert self.page.url == self.url
        expect(self.page.locator("#user")).to_have_text(self.name)
        assert self.page.evaluate("window.__violations") == []
        assert GONE not in self.lines


def assert_all_is_told(fleet: Fleet, writer: Writer, *visitors: Visitor) -> None:
    """The log has what was acknowledged, once and in order, and what people said, once; and each page shows the log as it is."""
    log = fleet.log(writer.room, writer.cookie)
    assert [(said["id"], said["message"]) for said in log if said["sender"] == writer.NAME] == writer.acknowledged
    for visitor in visitors:
        shown = wait_until(lambda visitor=visitor: caught_up(visitor, log), lambda visitor=visitor: f"all of {log[-3:]} in {visitor.said[-3:]}")
        first = next(index for index, said in enumerate(log) if said["id"] == shown[0]["id"])
        assert [(item["id"], item["text"], item["state"]) for item in shown] == [(said["id"], said["message"], "sent") for said in log[first:]]
        assert [said["message"] for said in log if said["sender"] == visitor.name] == visitor.own
        assert [item["text"] for item in shown if item["own"]] == visitor.own
        visitor.assert_undisturbed()


def caught_up(visitor: Visitor, log: list[dict]) -> list[dict] | None:
    shown = visitor.said
    return shown if shown and shown[-1]["id"] == log[-1]["id"] else None


def finish(fleet: Fleet, writer: Writer, *visitors: Visitor) -> None:
    """Everybody says something, hears everybody, and what was told is judged."""
    for visitor in visitors:
        visitor.speak()
    for visitor in visitors:
        wait_until(lambda visitor=visitor: all(other.own[-1] in visitor.texts for other in visitors), "what everybody said last")
        wait_until(lambda visitor=visitor: not unconfirmed(visitor), lambda visitor=visitor: f"no answer to {unconfirmed(visitor)}")
    writer.stop()
    assert_all_is_told(fleet, writer, *visitors)


def unconfirmed(visitor: Visitor) -> list[dict]:
    return [item for item in visitor.said if item["state"] != "sent"]


@pytest.fixture
def fleet(tmp_path) -> Iterator[Fleet]:
    with Fleet(tmp_path) as running:
        yield running


@pytest.fixture
def arrive(chromium, fleet) -> Iterator[Callable[..., Visitor]]:
    """Somebody with a browser profile of their own enters a room: `arrive("ada")`."""
    with ExitStack() as stack:

        def come_in(name: str, room: str = "ams") -> Visitor:
            context = chromium.new_context()
            stack.callback(context.close)
            return Visitor(context, fleet, room, name)

        yield come_in


@pytest.fixture
def steady(fleet) -> Iterator[Writer]:
    with Writer(fleet, "ams") as writer:
        yield writer


class Returns(list[Return]):
    def __str__(self) -> str:
        rows = [("after kill -9, seconds to", "p50", "p99", "worst")]
        for what in Return._fields:
            seconds = sorted(getattr(each, what) for each in self)
            rows.append((what, *(f"{seconds[math.ceil(len(seconds) * share) - 1]:.2f}" for share in (0.5, 0.99, 1))))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)


@pytest.fixture(scope="session")
def returns(request) -> Iterator[Returns]:
    """Printed when all have been measured."""
    noted = Returns()
    yield noted
    if noted:
        with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            print(f"\n\nHow long a room's page was away in {len(noted)} kills of its VM:\n{noted}")


# A VM crashes


def test_a_page_outlives_its_vm_again_and_again(fleet, steady, arrive):
    ada, grace = arrive("ada"), arrive("grace")
    for _ in range(3):
        ada.speak()
        vm = ada.vm
        at = fleet.crash(vm)
        ada.speak()
        ada.wait_return(at)
        assert ada.vm in {FIRST, SECOND} - {vm}, "the other VM of the region"
        fleet.come_back(vm)
        fleet.wait_acquainted()
    grace.wait_live()
    finish(fleet, steady, ada, grace)
    assert {line for each in (ada, grace) for line in each.lines} <= {"grace came in"}, "who comes back has not left"


def test_what_the_log_has_and_nobody_acknowledged_is_said_once(fleet, steady, arrive):
    ada = arrive("ada")
    vm = ada.vm
    # Long enough for the VM to crash between what it publishes and the answer's arrival.
    fleet.front.control(f"/backends/{vm}/latency", ms=2000)
    ada.speak()
    (other,) = {FIRST, SECOND} - {vm}
    wait_until(lambda: ada.own[-1] in [said["message"] for said in fleet.log_of(other, "ams", steady.cookie)], "what ada says to be published")
    at = fleet.crash(vm)
    assert [item["text"] for item in unconfirmed(ada)] == ada.own
    fleet.front.control(f"/backends/{vm}/latency", ms=0)
    ada.wait_return(at)
    fleet.come_back(vm)
    finish(fleet, steady, ada)


def test_how_long_a_crash_takes_a_page(fleet, steady, arrive, returns):
    """Each time a page of its own: one that is cut off again and again within a minute takes its time on purpose."""
    for count in range(KILLS):
        visitor = arrive(f"visitor-{count}")
        vm = visitor.vm
        returns.append(visitor.wait_return(fleet.crash(vm)))
        visitor.speak()
        wait_until(lambda visitor=visitor: not unconfirmed(visitor), "what the visitor said")
        steady.wait_for(5)
        visitor.assert_undisturbed()
        visitor.page.context.close()
        fleet.come_back(vm)


def test_presence_is_right_after_a_crash(fleet, steady, arrive):
    ada, grace = arrive("ada"), arrive("grace")
    vm = ada.vm
    cookie = fleet.sign_in("linus")
    with connect_to(fleet, vm, "ams", cookie) as linus:
        for visitor in (ada, grace):
            visitor.wait_for_person("linus")
        at = fleet.crash(vm)
        # He does not come back.
        with pytest.raises(ConnectionClosed):
            while linus.recv(PATIENCE):
                pass
    ada.wait_return(at)
    wait_until(lambda: fleet.people("ams", cookie) == {"ada", "grace"}, "a list without linus", at + PRESENCE_SECONDS - time.time())
    for visitor in (ada, grace):
        left = at + PRESENCE_SECONDS - time.time()
        wait_until(lambda visitor=visitor: sorted(visitor.people) == ["ada", "grace"], lambda visitor=visitor: f"{visitor.people}", left)
        visitor.wait_for_line("linus left")
    fleet.come_back(vm)
    finish(fleet, steady, ada, grace)
    for visitor in (ada, grace):
        assert not {"ada left", "grace left"} & set(visitor.lines), visitor.lines


@contextmanager
def connect_to(fleet: Fleet, vm: str, room: str, cookie: str) -> Iterator[ClientConnection]:
    """Somebody who is in a room without a browser."""
    address = f"ws://127.0.0.1:{fleet.front.port}/rooms/{room}/ws?fly_instance_id={vm}"
    with connect(address, additional_headers={"Cookie": cookie}, compression=None) as socket:
        assert json.loads(socket.recv(PATIENCE))["vm"] == vm
        socket.send(json.dumps({"op": "subscribe", "topics": [f"_room-{room}"]}))
        yield socket


# VMs leave


def test_restart_in_order(fleet, steady, arrive):
    ada, grace = arrive("ada"), arrive("grace")
    vm = ada.vm
    ada.speak()
    with fleet.leaving(vm) as at:
        ada.speak()
        ada.wait_return(at)
        ada.speak()
    fleet.come_back(vm)
    fleet.wait_acquainted()
    finish(fleet, steady, ada, grace)


def test_a_rolling_deploy(fleet, steady, arrive):
    ada, grace = arrive("ada"), arrive("grace")
    for vm in REGIONS:
        with fleet.leaving(vm):
            for visitor in (ada, grace):
                visitor.speak()
                visitor.wait_vm(*REGIONS.keys() - {vm})
                visitor.speak()
        fleet.come_back(vm)
        fleet.wait_acquainted()
    finish(fleet, steady, ada, grace)
    assert {line for each in (ada, grace) for line in each.lines} <= {"grace came in"}, "who comes back has not left"


def test_a_vm_is_scaled_away(fleet, steady, arrive):
    ada = arrive("ada")
    vm = ada.vm
    with fleet.leaving(vm, "destroy"):
        ada.speak()
        ada.wait_vm(*{FIRST, SECOND} - {vm})
        ada.speak()
    fleet.wait_acquainted()
    finish(fleet, steady, ada)


def test_the_only_vm_of_a_region_is_scaled_away(fleet, arrive):
    """The room goes on at other VMs for those who are in it. For those who come, it is no more."""
    with Writer(fleet, "fra") as steady:
        ada = arrive("ada", "fra")
        assert ada.vm == FRANKFURT
        with fleet.leaving(FRANKFURT, "destroy"):
            ada.speak()
            ada.wait_vm(FIRST, SECOND)
            ada.speak()
        expect(ada.page.locator("#region")).to_have_text("ams")
        fleet.wait_acquainted()
        finish(fleet, steady, ada)
        ada.wait_for_person("ada")
        response = ada.page.reload()
        assert response.status == 404
        expect(ada.page.get_by_role("heading", level=1)).to_have_text("No such room")


def test_the_only_vm_of_a_region_crashes_and_comes_back(fleet, arrive):
    with Writer(fleet, "fra") as steady:
        ada = arrive("ada", "fra")
        at = fleet.crash(FRANKFURT)
        ada.speak()
        ada.wait_return(at)
        assert ada.vm in (FIRST, SECOND), "the rest of the deployment takes its place"
        fleet.come_back(FRANKFURT)
        fleet.wait_acquainted()
        ada.speak()
        finish(fleet, steady, ada)


# Nobody is there for too long


def test_what_is_gone_meanwhile_is_said(chromium, tmp_path):
    """Where nobody can be reached for longer than messages are held, the page tells of a reset, and goes on behind it."""
    with Fleet(tmp_path, RETENTION="1s", RETENTION_COUNT="20") as fleet, Writer(fleet, "ams", past_proxy_to=FRANKFURT) as steady:
        ada = Visitor(chromium.new_context(), fleet, "ams", "ada")
        vm = ada.vm
        others = REGIONS.keys() - {vm}
        for other in others:
            fleet.front.control(f"/backends/{other}/cordon")
        at = fleet.crash(vm)
        ada.wait_not_live()
        before = [(item["id"], item["text"]) for item in ada.said]
        wait_until(lambda: fleet.oldest("ams", steady.cookie) > before[-1][0], "what ada saw last to be let go of")
        steady.wait_for(30)
        for other in others:
            fleet.front.control(f"/backends/{other}/uncordon")
        ada.wait_return(at)
        steady.stop()
        wait_until(lambda: ada.said[-1]["id"] == steady.acknowledged[-1][0], "the newest message")
        shown = [(item["id"], item["text"]) for item in ada.said]
        assert shown[: len(before)] == before
        after = shown[len(before) :]
        assert after == steady.acknowledged[-len(after) :], "nothing is missing behind the reset"
        assert steady.acknowledged.index(after[0]) > steady.acknowledged.index(before[-1]) + 1, "something is missing before it"
        order = ada.page.evaluate("[...document.querySelectorAll('#talk > li')].map((item) => item.dataset.id ?? item.innerText)")
        assert order.count(GONE) == 1 and order.index(GONE) == order.index(after[0][0]) - 1
        ada.page.context.close()
