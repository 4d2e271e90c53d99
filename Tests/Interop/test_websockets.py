"""The duplex protocol, spoken by Python's `websockets`, an implementation of RFC 6455 that shares nothing with Crier's."""

import json
import uuid
from dataclasses import replace

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.sync.client import connect

from curl import curl
from log_order import after, assert_log_order
from waiting import PATIENCE


class Duplex:
    """One socket on /ws. `ask` sends an operation and returns its answer; what came in between waits in `messages`."""

    def __init__(self, server, **options):
        self.socket = connect(f"{server.ws_url}/ws", **{"compression": None, **options})
        self.messages: list[dict] = []

    def __enter__(self):
        self.socket.__enter__()
        self.opened = self.receive()
        assert self.opened["event"] == "open"
        return self

    def __exit__(self, *arguments):
        self.socket.__exit__(*arguments)

    def receive(self) -> dict:
        """The next event that is not a heartbeat, which can come at any time."""
        while True:
            event = json.loads(self.socket.recv(timeout=PATIENCE, decode=True))
            if event["event"] != "keepalive":
                return event

    def send(self, operation: dict) -> None:
        self.socket.send(json.dumps(operation))

    def ask(self, op: str, **members) -> dict:
        ref = uuid.uuid4().hex
        self.send({"op": op, "ref": ref, **members})
        while True:
            event = self.receive()
            if event["event"] in ("ack", "error"):
                assert event["ref"] == ref, event
                return event
            if event["event"] == "message":
                self.messages.append(event)

    def message(self) -> dict:
        while not self.messages:
            event = self.receive()
            assert event["event"] not in ("ack", "error"), event
            if event["event"] == "message":
                self.messages.append(event)
        return self.messages.pop(0)

    def closed(self) -> tuple[int, list[dict]]:
        """The code that the server closes with, and the events before it."""
        events = []
        try:
            while True:
                events.append(self.receive())
        except ConnectionClosed as close:
            assert close.rcvd is not None, "the connection broke without a close frame"
            return close.rcvd.code, events


@pytest.fixture
def duplex(server):
    with Duplex(server) as socket:
        yield socket


def test_the_first_frame_is_open(duplex):
    opened = duplex.opened
    assert_log_order([opened["id"]])
    assert opened["vm"] and opened["region"]
    assert 0 < opened["ping"] <= 30


@pytest.mark.parametrize("offered", [None, ["crier.v1"], ["other", "crier.v1"]])
def test_subprotocol(server, offered):
    with Duplex(server, subprotocols=offered) as socket:
        assert socket.socket.subprotocol == ("crier.v1" if offered else None)
        assert socket.ask("ping")["event"] == "ack"


def test_compression_is_not_negotiated(server):
    with Duplex(server, compression="deflate") as socket:
        assert socket.socket.protocol.extensions == []
        assert socket.ask("ping")["event"] == "ack"


def test_compression_for_those_who_ask_for_it(own_server, topic):
    server = own_server(COMPRESSION="on")
    text = "The quick brown fox jumps over the lazy dog. " * 40
    with Duplex(server, compression="deflate") as squeezed, Duplex(server) as plain:
        assert [str(extension) for extension in squeezed.socket.protocol.extensions]
        assert plain.socket.protocol.extensions == []
        squeezed.ask("subscribe", topics=[topic])
        plain.ask("subscribe", topics=[topic])
        # What the client sends is compressed too.
        assert squeezed.ask("publish", topic=topic, message=text)["event"] == "ack"
        assert squeezed.ask("publish", topic=topic, message="short")["event"] == "ack"
        for message in (text, "short"):
            assert squeezed.message() == (heard := plain.message())
            assert heard["message"] == message
        metrics = curl(f"{server.url}/metrics").body.decode()
        assert 'crier_sockets{form="websocket-deflate"} 1' in metrics
        assert 'crier_sockets{form="websocket"} 1' in metrics


def test_a_message_that_inflates_beyond_the_limit_closes_its_socket_alone(own_server):
    server = own_server(COMPRESSION="on")
    with Duplex(server) as other, Duplex(server, compression="deflate") as bomber:
        bomber.socket.send("x" * 1_000_000)
        code, _ = bomber.closed()
        assert code == 1009
        assert other.ask("ping")["event"] == "ack"


def test_publish_is_acknowledged_and_heard(server, topic):
    with Duplex(server) as speaker, Duplex(server) as listener:
        subscribed = listener.ask("subscribe", topics=[topic])
        assert subscribed["topics"] == [topic]
        assert_log_order([subscribed["id"]])
        acknowledged = speaker.ask(
            "publish", topic=topic, message="Hört, hört 👽", title="T", priority=5, tags=["a"], data={"n": [1, None]}
        )
        assert acknowledged["event"] == "ack", acknowledged
        alert = listener.message()
        assert (alert["id"], alert["time"]) == (acknowledged["id"], acknowledged["time"])
        assert (alert["message"], alert["title"], alert["priority"]) == ("Hört, hört 👽", "T", 5)
        assert alert["data"] == {"n": [1, None]}
        assert alert["id"] > subscribed["id"]


def test_a_publisher_that_follows_hears_itself(duplex, topic):
    duplex.ask("subscribe", topics=[topic])
    acknowledged = duplex.ask("publish", topic=topic, message="me")
    assert duplex.message()["id"] == acknowledged["id"]


def test_many_publishes_in_flight(server, topic):
    with Duplex(server) as speaker, Duplex(server) as listener:
        listener.ask("subscribe", topics=[topic])
        for number in range(500):
            speaker.send({"op": "publish", "ref": str(number), "topic": topic, "message": str(number)})
        acknowledgements = {}
        while len(acknowledgements) < 500:
            event = speaker.receive()
            assert event["event"] == "ack", event
            acknowledgements[event["ref"]] = event["id"]
        alerts = [listener.message() for _ in range(500)]
        assert [alert["message"] for alert in alerts] == [str(number) for number in range(500)]
        assert_log_order([alert["id"] for alert in alerts])
        assert {alert["message"]: alert["id"] for alert in alerts} == acknowledgements


def test_resume_brings_exactly_what_was_missed(server, topic):
    with Duplex(server) as listener, Duplex(server) as speaker:
        listener.ask("subscribe", topics=[topic])
        speaker.ask("publish", topic=topic, message="heard")
        cursor = listener.message()["id"]
        listener.socket.close()
        missed = [speaker.ask("publish", topic=topic, message=f"missed {number}")["id"] for number in range(30)]
        with Duplex(server) as again:
            answer = again.ask("subscribe", topics=[topic], since=cursor)
            assert answer["event"] == "ack"
            assert not again.messages, "what `since` asks for follows the ack"
            live = speaker.ask("publish", topic=topic, message="live")["id"]
            assert [again.message()["id"] for _ in range(31)] == [*missed, live]


def test_subscribing_again_replays_nothing(duplex, topic):
    cursor = duplex.ask("subscribe", topics=[topic])["id"]
    first = duplex.ask("publish", topic=topic, message="first")["id"]
    assert duplex.message()["id"] == first
    assert duplex.ask("subscribe", topics=[topic], since=cursor)["topics"] == [topic]
    second = duplex.ask("publish", topic=topic, message="second")["id"]
    assert duplex.message()["id"] == second


def test_a_cursor_from_the_future_is_reset(duplex, topic):
    answer = duplex.ask("subscribe", topics=[topic], since=after(duplex.opened["id"], 1_000_000))
    assert answer["event"] == "ack"
    reset = duplex.receive()
    assert (reset["event"], reset["reason"]) == ("reset", "unknown")
    published = duplex.ask("publish", topic=topic, message="x")
    assert duplex.message()["id"] == published["id"]


def test_topics_come_and_go(duplex, topic):
    one, two = f"{topic}-1", f"{topic}-2"
    assert sorted(duplex.ask("subscribe", topics=[one, two])["topics"]) == [one, two]
    assert duplex.ask("unsubscribe", topics=[one])["topics"] == [two]
    duplex.ask("publish", topic=one, message="not followed")
    wanted = duplex.ask("publish", topic=two, message="followed")
    assert duplex.message()["id"] == wanted["id"]
    assert duplex.ask("unsubscribe")["topics"] == []


def test_all_topics(server, topic):
    with Duplex(server) as everything:
        assert everything.ask("subscribe", topics=["*"])["topics"] == ["*"]
        published = everything.ask("publish", topic=topic, message="x")
        alert = everything.message()
        assert (alert["id"], alert["topic"]) == (published["id"], topic)


def test_a_filter(duplex, topic):
    duplex.ask("subscribe", topics=[topic], filter={"priority": [4, 5], "tags": ["x"]})
    duplex.ask("publish", topic=topic, message="too low", tags=["x"])
    duplex.ask("publish", topic=topic, message="untagged", priority=5)
    duplex.ask("publish", topic=topic, message="both", priority=4, tags=["y", "x"])
    assert duplex.message()["message"] == "both"


def test_a_repeated_key_is_a_duplicate_across_transports(server, duplex, topic):
    duplex.ask("subscribe", topics=[topic])
    first = duplex.ask("publish", topic=topic, message="once", key="k")
    again = duplex.ask("publish", topic=topic, message="once", key="k")
    by_http = curl("-H", "Idempotency-Key: k", f"{server.url}/{topic}", body="once")
    assert first["id"] == again["id"] == by_http.json["id"]
    assert "duplicate" not in first and again["duplicate"] is True and by_http.json["duplicate"] is True
    last = duplex.ask("publish", topic=topic, message="last")
    assert [duplex.message()["id"], duplex.message()["id"]] == [first["id"], last["id"]]


def test_a_delayed_publish(duplex, topic):
    duplex.ask("subscribe", topics=[topic])
    answer = duplex.ask("publish", topic=topic, message="later", delay="1s")
    assert "id" not in answer and answer["scheduled"] > 0
    assert duplex.message()["message"] == "later"


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "publish", "topic": "a b", "message": "x"},
        {"op": "publish", "message": "no topic"},
        {"op": "publish", "topic": "t", "message": "x", "priority": 9},
        {"op": "publish", "topic": "t", "message": "x" * 4097},
        {"op": "publish", "topic": "t", "message": "x", "click": "javascript:alert(1)"},
        {"op": "publish", "topic": "t", "message": "x", "delay": "400d"},
        {"op": "subscribe", "topics": ["docs"]},
        {"op": "subscribe", "topics": [1]},
        {"op": "subscribe", "topics": "t"},
        {"op": "subscribe", "topics": [f"t{number}" for number in range(65)]},
        {"op": "subscribe", "topics": ["t"], "since": "tomorrow-ish"},
        {"op": "no-such-operation"},
        {},
    ],
    ids=lambda operation: json.dumps(operation)[:40],
)
def test_a_bad_operation_gets_an_error_and_leaves_the_socket_open(duplex, operation):
    duplex.send({"ref": "r", **operation})
    error = duplex.receive()
    assert (error["event"], error["ref"]) == ("error", "r")
    assert error["code"] // 100 == error["http"] and 400 <= error["http"] < 500
    assert error["error"] and error["link"].endswith(f"#{error['code']}")
    assert duplex.ask("ping")["event"] == "ack"


@pytest.mark.parametrize("text", ["{", "[]", '"x"', "", '{"op":"ping","op":"ping"'])
def test_text_that_is_no_operation_harms_nobody_else(server, text):
    """An error frame or a close: either way precise, and another socket does not notice."""
    with Duplex(server) as other, Duplex(server) as socket:
        socket.socket.send(text)
        try:
            assert socket.receive()["event"] == "error"
        except ConnectionClosed as close:
            assert close.rcvd.code in (1003, 1007, 1008)
        assert other.ask("ping")["event"] == "ack"


def test_a_fragmented_message_with_a_ping_between_the_fragments(duplex, topic):
    duplex.ask("subscribe", topics=[topic])
    text = json.dumps({"op": "publish", "ref": "f", "topic": topic, "message": "in pieces — 👽"}, ensure_ascii=False)
    pongs = []

    def fragments():
        for position in range(0, len(text), 7):
            yield text[position : position + 7]
            pongs.append(duplex.socket.ping())

    duplex.socket.send(fragments())
    answers = sorted([duplex.receive(), duplex.receive()], key=lambda event: event["event"])
    assert answers[0]["event"] == "ack" and answers[0]["ref"] == "f"
    assert answers[1]["message"] == "in pieces — 👽"
    assert all(pong.wait(PATIENCE) for pong in pongs)


def test_a_ping_is_answered(duplex):
    assert duplex.socket.ping(b"x" * 125).wait(PATIENCE)


def test_our_close_is_echoed(duplex):
    duplex.socket.close(1000, "done")
    assert duplex.socket.protocol.close_rcvd is not None
    assert duplex.socket.protocol.close_rcvd.code == 1000


def raw_frames(duplex: Duplex, *frames: Frame) -> None:
    """Frames as they are, past the library's own checks. A reserved bit is set afterwards: the library would not."""
    data = bytearray()
    for frame in frames:
        start = len(data)
        data += replace(frame, rsv1=False).serialize(mask=True)
        data[start] |= 0x40 if frame.rsv1 else 0
    with duplex.socket.protocol_mutex:
        duplex.socket.socket.sendall(data)


@pytest.mark.parametrize(
    "frames, codes",
    [
        ([Frame(Opcode.TEXT, b'{"op":"ping","ref":"\xff"}')], (1007,)),
        ([Frame(Opcode.TEXT, b"x" * (64 * 1024 + 1))], (1009,)),
        ([Frame(Opcode.TEXT, b"x" * 40_000, fin=False), Frame(Opcode.CONT, b"x" * 40_000)], (1009,)),
        ([Frame(Opcode.CONT, b"x")], (1002,)),
        ([Frame(Opcode.TEXT, b"x", rsv1=True)], (1002,)),
        ([Frame(Opcode.BINARY, b"x")], (1003,)),
    ],
    ids=["not-utf8", "too-large", "too-large-in-pieces", "stray-continuation", "reserved-bit", "binary"],
)
def test_what_cannot_be_forgiven_closes_with_a_code(server, duplex, frames, codes):
    raw_frames(duplex, *frames)
    code, _ = duplex.closed()
    assert code in codes
    with Duplex(server) as other:
        assert other.ask("ping")["event"] == "ack"


def test_reading_forms_ignore_what_the_client_sends(server, topic):
    with connect(f"{server.ws_url}/{topic}/ws", compression=None) as socket:
        assert json.loads(socket.recv(timeout=PATIENCE))["event"] == "open"
        socket.send('{"op":"publish","topic":"%s","message":"no"}' % topic)
        socket.send("anything at all")
        assert socket.ping().wait(PATIENCE)
        alert = curl(f"{server.url}/{topic}", body="yes").json
        assert json.loads(socket.recv(timeout=PATIENCE)) == alert


def test_reading_form_resumes(server, topic):
    alerts = [curl(f"{server.url}/{topic}", body=str(number)).json for number in range(3)]
    with connect(f"{server.ws_url}/{topic}/ws?since={alerts[0]['id']}", compression=None) as socket:
        assert json.loads(socket.recv(timeout=PATIENCE))["event"] == "open"
        assert [json.loads(socket.recv(timeout=PATIENCE)) for _ in range(2)] == alerts[1:]


def test_a_handshake_that_cannot_be(server, topic):
    for path, statuses in (("/a.b/ws", (400, 404)), (f"/{topic}/ws?since=!", (400,)), (f"/{topic}/nothing", (404, 400))):
        with pytest.raises(InvalidStatus) as refusal, connect(f"{server.ws_url}{path}"):
            pass
        assert refusal.value.response.status_code in statuses, path


def test_the_token_by_frame(own_server, topic):
    server = own_server(PUBLISH_TOKEN="tk_0123456789abcdef")
    with Duplex(server) as socket:
        refused = socket.ask("publish", topic=topic, message="x")
        assert (refused["event"], refused["http"]) == ("error", 401)
        wrong = socket.ask("auth", token="wrong")
        assert wrong["event"] == "error" and wrong["http"] in (401, 403)
        assert socket.ask("auth", token="tk_0123456789abcdef")["event"] == "ack"
        assert socket.ask("publish", topic=topic, message="x")["event"] == "ack"


def test_rates_are_limited_with_a_time_to_wait(own_server, topic):
    server = own_server(RATE_LIMITS=None)
    with Duplex(server) as socket:
        for number in range(200):
            answer = socket.ask("publish", topic=topic, message=str(number))
            if answer["event"] == "error":
                break
        assert answer["event"] == "error" and answer["http"] == 429
        assert answer["retry_after"] > 0
        assert socket.ask("ping")["event"] == "ack"


def test_a_stopping_server_drains_its_sockets(own_server, topic):
    server = own_server()
    with Duplex(server) as socket:
        socket.ask("subscribe", topics=[topic])
        last = socket.ask("publish", topic=topic, message="before")
        assert socket.message()["id"] == last["id"]
        server.stop()
        code, events = socket.closed()
    assert code in (1001, 1012)
    drains = [event for event in events if event["event"] == "drain"]
    assert len(drains) == 1 and drains[0]["retry_ms"] >= 0


def test_a_cursor_from_before_a_restart_is_reset(own_server, topic):
    server = own_server()
    with Duplex(server) as socket:
        old = socket.ask("publish", topic=topic, message="x")["id"]
        server.kill()
    server.start()
    with Duplex(server) as socket:
        assert socket.ask("subscribe", topics=[topic], since=old)["event"] == "ack"
        reset = socket.receive()
        assert (reset["event"], reset["reason"], reset["since"]) == ("reset", "epoch", old)
        new = socket.ask("publish", topic=topic, message="x")["id"]
        assert socket.message()["id"] == new > old
