"""Reading with curl: /json, /sse and /raw, live and polled, resumed and filtered."""

import json
import time

import pytest

from curl import CurlStream, JSONStream, SSEStream, curl
from log_order import after, assert_log_order


def publish(server, topic, message, *arguments) -> dict:
    answer = curl(*arguments, f"{server.url}/{topic}", body=message)
    assert answer.status == 200, answer.body
    return answer.json


def polled(server, topics, query="", *arguments) -> list[dict]:
    """The alerts that a poll answers with."""
    answer = curl(*arguments, f"{server.url}/{topics}/json?poll=1{query and '&' + query}")
    assert answer.status == 200, answer.body
    return [event for event in answer.lines if event["event"] == "message"]


def texts(alerts) -> list[str]:
    return [alert["message"] for alert in alerts]


@pytest.fixture
def three(server, topic) -> list[dict]:
    """Three alerts on the topic, from before anyone reads."""
    return [publish(server, topic, text) for text in ("one", "two", "three")]


def test_poll_answers_with_what_is_held(server, topic, three):
    assert polled(server, topic) == three
    assert_log_order([alert["id"] for alert in three])


def test_poll_as_ndjson(server, topic, three):
    answer = curl(f"{server.url}/{topic}/json?poll=1")
    assert answer.header("content-type").startswith("application/x-ndjson")
    assert answer.body.endswith(b"\n")


@pytest.mark.parametrize(
    "since, expected",
    [
        (lambda three: three[0]["id"], ["two", "three"]),
        (lambda three: three[2]["id"], []),
        (lambda three: "all", ["one", "two", "three"]),
        (lambda three: "latest", ["three"]),
        (lambda three: "none", []),
        (lambda three: str(three[0]["time"]), ["one", "two", "three"]),
        (lambda three: str(three[0]["time"] + 3600), []),
        (lambda three: "10m", ["one", "two", "three"]),
    ],
    ids=["id", "newest-id", "all", "latest", "none", "time", "future", "duration"],
)
def test_since(server, topic, three, since, expected):
    assert texts(polled(server, topic, f"since={since(three)}")) == expected


@pytest.mark.parametrize("header", ["Last-Event-ID", "X-Since"])
def test_since_in_a_header(server, topic, three, header):
    assert texts(polled(server, topic, "", "-H", f"{header}: {three[1]['id']}")) == ["three"]


def test_replay_goes_over_into_the_live_feed(server, topic, three):
    with JSONStream(f"{server.url}/{topic}/json?since={three[0]['id']}") as stream:
        publish(server, topic, "four")
        assert texts(stream.messages(3)) == ["two", "three", "four"]


def test_the_open_event_says_where_the_reader_is(server, topic, three):
    with JSONStream(f"{server.url}/{topic}/json") as stream:
        opened = stream.opened
        assert stream.events[0] is opened
        assert opened["topic"] == topic
        assert opened["id"] >= three[2]["id"]
        assert opened["ping"] > 0 and opened["vm"] and opened["region"]
        assert abs(opened["time"] - time.time()) < 10
    late = publish(server, topic, "while away")
    assert polled(server, topic, f"since={opened['id']}") == [late]


def test_several_topics_and_all(server, topic):
    first, second, other = f"{topic}-1", f"{topic}-2", f"{topic}-3"
    with JSONStream(f"{server.url}/{first},{second}/json") as both, JSONStream(f"{server.url}/*/json") as everything:
        alerts = [publish(server, name, text) for name, text in ((first, "a"), (other, "b"), (second, "c"))]
        assert both.messages(2) == [alerts[0], alerts[2]]
        assert everything.messages(3) == alerts


@pytest.mark.parametrize(
    "query, expected",
    [
        ("priority=4,5", ["high", "tagged"]),
        ("p=urgent", ["tagged"]),
        ("tags=a", ["tagged", "half"]),
        ("tags=a,b", ["tagged"]),
        ("title=T", ["half"]),
        ("message=plain", ["plain"]),
    ],
)
def test_filters(server, topic, query, expected):
    publish(server, topic, "plain")
    publish(server, topic, "high", "-H", "Priority: 4")
    publish(server, topic, "tagged", "-H", "Priority: 5", "-H", "Tags: a,b")
    publish(server, topic, "half", "-H", "Tags: a", "-H", "Title: T")
    assert texts(polled(server, topic, query)) == expected
    with JSONStream(f"{server.url}/{topic}/json?since=all&{query}") as stream:
        assert texts(stream.messages(len(expected))) == expected


def test_an_id_that_does_not_exist_yet_is_reset(server, topic, three):
    with JSONStream(f"{server.url}/{topic}/json?since={after(three[2]['id'], 1_000_000)}") as stream:
        reset = stream.next("reset")
        assert reset["reason"] == "unknown"
        assert reset["id"] >= three[2]["id"]
        publish(server, topic, "four")
        assert stream.message()["message"] == "four"


def test_a_cursor_from_before_a_restart_is_reset(own_server, topic):
    server = own_server()
    old = publish(server, topic, "lost with its log")
    server.stop()
    server.start()
    with JSONStream(f"{server.url}/{topic}/json?since={old['id']}") as stream:
        reset = stream.next("reset")
        assert reset["reason"] == "epoch"
        assert reset["since"] == old["id"]
        new = publish(server, topic, "in the new log")
        assert stream.message() == new
        assert new["id"] > old["id"]


def test_sse_as_a_browser_reads_it(server, topic, three):
    answer = curl(f"{server.url}/{topic}/sse?poll=1")
    assert answer.header("content-type").startswith("text/event-stream")
    assert "no-" in answer.header("cache-control")
    with SSEStream(f"{server.url}/{topic}/sse", "-H", f"Last-Event-ID: {three[0]['id']}") as stream:
        opened = stream.next()
        assert opened["event"] == "open"
        assert opened["id"] == json.loads(opened["data"])["id"]
        for expected in three[1:]:
            fields, alert = stream.message()
            assert alert == expected
            assert fields["id"] == expected["id"]
        live = publish(server, topic, "two\r\nlines\rand\na third\n\nid: forged\nevent: forged")
        fields, alert = stream.message()
        assert alert == live
        assert fields["id"] == live["id"]


def test_raw_is_one_line_an_alert(server, topic, three):
    with CurlStream(f"{server.url}/{topic}/raw?since=all") as stream:
        publish(server, topic, "several\nlines\r\nin one")
        publish(server, topic, "last")
        lines = []
        while "last" not in lines:
            line = stream.line()
            if line:
                lines.append(line)
    assert lines[:3] == ["one", "two", "three"]
    assert lines[4:] == ["last"], lines
    assert "several" in lines[3] and "lines" in lines[3] and "in one" in lines[3]


def test_readers_of_every_kind_agree(server, topic):
    with (
        JSONStream(f"{server.url}/{topic}/json") as json_stream,
        SSEStream(f"{server.url}/{topic}/sse") as sse,
        CurlStream(f"{server.url}/{topic}/raw") as raw,
    ):
        assert sse.next()["event"] == "open"
        assert raw.line() == ""
        alerts = [publish(server, topic, f"alert {number}") for number in range(50)]
        assert json_stream.messages(50) == alerts
        assert [sse.message()[1] for _ in range(50)] == alerts
        lines = []
        while len(lines) < 50:
            line = raw.line()
            if line:
                lines.append(line)
        assert lines == texts(alerts)


@pytest.mark.parametrize("form", ["json", "sse"])
def test_a_stopping_server_says_drain_and_ends_the_stream(own_server, topic, form):
    server = own_server()
    if form == "json":
        with JSONStream(f"{server.url}/{topic}/json") as stream:
            publish(server, topic, "before")
            stream.message()
            server.stop()
            events = [json.loads(line) for line in stream.drain() if line]
            drains = [event for event in events if event["event"] == "drain"]
    else:
        with SSEStream(f"{server.url}/{topic}/sse") as stream:
            assert stream.next()["event"] == "open"
            server.stop()
            lines = stream.drain()
            assert "event: drain" in lines
            drains = [json.loads(line.removeprefix("data: ")) for line in lines if '"drain"' in line]
    assert len(drains) == 1
    assert drains[0]["retry_ms"] >= 0


@pytest.mark.parametrize("path", ["/health", "/ready", "/v1/health"])
def test_health(server, path):
    assert curl(f"{server.url}{path}").status == 200


def test_v1_health_as_ntfys_clients_read_it(server):
    assert curl(f"{server.url}/v1/health").json["healthy"] is True
