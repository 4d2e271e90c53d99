"""The CNCF's CloudEvents SDK, as a publisher over HTTP and as the decoder of what comes over the WebSocket."""

import json
import uuid
from datetime import UTC, datetime

import pytest
import requests
from cloudevents.core.bindings.http import HTTPMessage, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from websockets.sync.client import connect

from curl import JSONStream
from waiting import PATIENCE


@pytest.fixture
def subscriber(server, topic):
    """A WebSocket with the subprotocol `cloudevents.json`; `subscriber()` is the next event as the SDK reads it."""
    with connect(f"{server.ws_url}/{topic}/ws", subprotocols=["cloudevents.json"]) as socket:
        assert socket.subprotocol == "cloudevents.json"
        yield lambda: JSONFormat().read(None, socket.recv(timeout=PATIENCE, decode=True))


def event(data, **attributes) -> CloudEvent:
    return CloudEvent(
        {
            "specversion": "1.0",
            "id": str(uuid.uuid4()),
            "source": "https://example.com/sensors/7?unit=°C",
            "type": "com.example.temperature.high",
            "subject": "hall \"B\" — 100 %",
            "time": datetime(2026, 1, 5, 10, 11, 12, 345000, UTC),
            "severitytext": "ERROR",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            **attributes,
        },
        data,
    )


def post(server, topic, message: HTTPMessage):
    answer = requests.post(f"{server.url}/{topic}", headers=message.headers, data=message.body, timeout=PATIENCE)
    assert answer.status_code == 200, answer.text
    return answer.json()


def assert_same(got: CloudEvent, sent: CloudEvent) -> None:
    """What was sent came back; Crier may add extensions."""
    attributes = got.get_attributes()
    for name, value in sent.get_attributes().items():
        assert attributes[name] == value, name
    assert got.get_data() == sent.get_data()


MODES = {"structured": to_structured, "binary": to_binary}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "data, content_type",
    [
        ({"celsius": 81.5, "sensor": {"id": 7, "tags": ["a", None, True]}, "text": "heiß"}, "application/json"),
        ("it is hot — 81 °C", "text/plain"),
        ("it is hot", "text/plain; charset=utf-8"),
        ({"a": 1}, "application/vnd.example+json"),
    ],
    ids=["json", "text", "charset", "vendor-json"],
)
def test_an_event_comes_back_as_it_was_sent(server, topic, subscriber, mode, data, content_type):
    sent = event(data, datacontenttype=content_type)
    alert = post(server, topic, MODES[mode](sent, JSONFormat()))
    got = subscriber()
    assert_same(got, sent)
    assert alert["topic"] == topic
    assert alert["message"]


@pytest.mark.parametrize("mode", MODES)
def test_ntfys_readers_see_its_attributes_and_data(server, topic, mode):
    sent = event({"celsius": 81.5}, datacontenttype="application/json")
    with JSONStream(f"{server.url}/{topic}/json") as stream:
        alert = post(server, topic, MODES[mode](sent, JSONFormat()))
        assert stream.message() == alert
    assert alert["data"] == {"celsius": 81.5}
    for name in ("id", "source", "type", "subject", "severitytext", "traceparent"):
        assert alert["ce"][name] == sent.get_attributes()[name]
    assert alert["id"] != sent.get_id()


@pytest.mark.parametrize("mode", MODES)
def test_an_event_without_data(server, topic, subscriber, mode):
    sent = CloudEvent({"specversion": "1.0", "id": str(uuid.uuid4()), "source": "/minimal", "type": "ping"}, None)
    post(server, topic, MODES[mode](sent, JSONFormat()))
    attributes = subscriber().get_attributes()
    for name, value in sent.get_attributes().items():
        assert attributes[name] == value, name


def test_a_batch_is_published_in_order(server, topic, subscriber):
    events = [event({"number": number}, datacontenttype="application/json") for number in range(20)]
    body = b"[" + b",".join(JSONFormat().write(each) for each in events) + b"]"
    answer = post(server, topic, HTTPMessage({"Content-Type": "application/cloudevents-batch+json; charset=utf-8"}, body))
    assert len({alert["id"] for alert in answer}) == 20
    for sent in events:
        assert_same(subscriber(), sent)


def test_a_repeated_event_is_raised_once(server, topic, subscriber):
    sent = event({"n": 1}, datacontenttype="application/json")
    first = post(server, topic, to_structured(sent, JSONFormat()))
    again = post(server, topic, to_binary(sent, JSONFormat()))
    assert again["id"] == first["id"] and again["duplicate"] is True
    other = event({"n": 2}, datacontenttype="application/json")
    post(server, topic, to_structured(other, JSONFormat()))
    assert subscriber().get_id() == sent.get_id()
    assert subscriber().get_id() == other.get_id()


def test_a_plain_alert_is_a_valid_event(server, topic, subscriber):
    alert = requests.post(
        f"{server.url}/{topic}", data="plain text".encode(), headers={"Title": "T", "Priority": "5"}, timeout=PATIENCE
    ).json()
    got = subscriber()  # the SDK checks what the specification requires of attributes
    assert got.get_specversion() == "1.0"
    assert got.get_id() and got.get_source() and got.get_type()
    assert abs(got.get_time().timestamp() - alert["time"]) < 2
    assert "plain text" in json.dumps(got.get_data())


@pytest.mark.parametrize(
    "headers, body",
    [
        ({"Content-Type": "application/cloudevents+json"}, b"{"),
        ({"Content-Type": "application/cloudevents+json"}, b'{"specversion":"1.0","id":"1","source":"/a"}'),
        ({"Content-Type": "application/cloudevents+json"}, b'{"specversion":"0.1","id":"1","source":"/a","type":"t"}'),
        ({"Content-Type": "application/cloudevents+json"}, b'{"specversion":"1.0","id":"","source":"/a","type":"t"}'),
        ({"Content-Type": "application/cloudevents-batch+json"}, b'{"specversion":"1.0","id":"1","source":"/a","type":"t"}'),
        ({"Content-Type": "application/cloudevents-batch+json"}, b'[{"specversion":"1.0","id":"1","source":"/a","type":"t"},{}]'),
        ({"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/a"}, b"x"),
        ({"ce-specversion": "7.0", "ce-id": "1", "ce-source": "/a", "ce-type": "t"}, b"x"),
    ],
    ids=["not-json", "no-type", "version", "empty-id", "batch-object", "batch-partly-bad", "binary-no-type", "binary-version"],
)
def test_what_is_no_event_is_refused_whole(server, topic, headers, body):
    answer = requests.post(f"{server.url}/{topic}", headers=headers, data=body, timeout=PATIENCE)
    assert answer.status_code == 400, answer.text
    assert answer.json()["http"] == 400
    held = requests.get(f"{server.url}/{topic}/json?poll=1", timeout=PATIENCE).text
    assert '"event":"message"' not in held
