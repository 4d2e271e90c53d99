"""Publishing with curl, in every form that ntfy's senders use."""

import base64
import json
import subprocess
import time

import pytest

from curl import JSONStream, curl
from log_order import assert_log_order
from waiting import PATIENCE, wait_until


@pytest.fixture
def reader(server, topic):
    """A live reader of the test's topic, opened before anything is published."""
    with JSONStream(f"{server.url}/{topic}/json") as stream:
        yield stream


def received(reader, answer) -> dict:
    """The alert as the reader gets it, after checking that the publisher's answer is the same alert."""
    assert answer.status == 200, answer.body
    assert answer.header("content-type").startswith("application/json")
    alert = reader.message()
    assert alert == answer.json
    return alert


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_body_is_the_message(server, topic, reader, method):
    before = time.time()
    alert = received(reader, curl("-X", method, f"{server.url}/{topic}", body="Aliens over Sydney — 👽"))
    assert alert["event"] == "message"
    assert alert["topic"] == topic
    assert alert["message"] == "Aliens over Sydney — 👽"
    assert before - 5 < alert["time"] < time.time() + 5
    assert alert["time"] == alert["time_ms"] // 1000
    assert "title" not in alert and "tags" not in alert
    assert alert.get("priority", 3) == 3
    assert_log_order([alert["id"]])


@pytest.mark.parametrize("form", ["d", "urlencoded"])
def test_curls_own_content_type_does_not_matter(server, topic, reader, form):
    """`curl -d` says application/x-www-form-urlencoded; the body is the message all the same."""
    option = {"d": "-d", "urlencoded": "--data-raw"}[form]
    alert = received(reader, curl(option, "a=b&c=d e", f"{server.url}/{topic}"))
    assert alert["message"] == "a=b&c=d e"


def test_fields_in_headers(server, topic, reader):
    alert = received(
        reader,
        curl(
            "-H", "X-Title: Alien landing!",
            "-H", "Priority: high",
            "-H", "x-tags: warning, skull",
            "-H", "Click: https://example.com/map?a=1&b=2",
            "-H", "X-Icon: https://example.com/icon.png",
            "-H", "Markdown: yes",
            "-H", 'Actions: [{"action":"view","label":"Open","url":"https://example.com/"}]',
            f"{server.url}/{topic}",
            body="**now**",
        ),
    )  # fmt: skip
    assert alert["title"] == "Alien landing!"
    assert alert["priority"] == 4
    assert alert["tags"] == ["warning", "skull"]
    assert alert["click"] == "https://example.com/map?a=1&b=2"
    assert alert["icon"] == "https://example.com/icon.png"
    assert alert["markdown"] is True
    assert alert["actions"] == [{"action": "view", "label": "Open", "url": "https://example.com/"}]
    assert alert["message"] == "**now**"


@pytest.mark.parametrize("header", ["X-Title: Ünïcødé 🚨", "Title: =?utf-8?B?w5xuw69jw7hkw6kg8J+aqA==?=", "t: =?UTF-8?Q?=C3=9Cn=C3=AFc=C3=B8d=C3=A9_=F0=9F=9A=A8?="])
def test_header_text_beyond_ascii(server, topic, reader, header):
    alert = received(reader, curl("-H", header, f"{server.url}/{topic}", body="x"))
    assert alert["title"] == "Ünïcødé 🚨"


@pytest.mark.parametrize("verb", ["publish", "send", "trigger"])
def test_query_trigger(server, topic, reader, verb):
    alert = received(
        reader,
        curl(
            "--get",
            "--data-urlencode", "message=door & window",
            "--data-urlencode", "title=Alarm",
            "--data-urlencode", "priority=urgent",
            "--data-urlencode", "tags=door,window",
            f"{server.url}/{topic}/{verb}",
        ),
    )  # fmt: skip
    assert (alert["message"], alert["title"], alert["priority"]) == ("door & window", "Alarm", 5)
    assert alert["tags"] == ["door", "window"]


def test_an_empty_body_becomes_triggered(server, topic, reader):
    alert = received(reader, curl("-X", "POST", f"{server.url}/{topic}", body=""))
    assert alert["message"] == "triggered"


def test_json_to_the_root(server, topic, reader):
    payload = {
        "topic": topic,
        "message": "line one\nline two",
        "title": "Title",
        "priority": 1,
        "tags": ["a", "b"],
        "click": "https://example.com/",
        "markdown": True,
        "data": {"nested": [1, 2.5, None, True, "é"]},
        "id": "not for the sender to choose",
        "sender": "nor this",
        "region": "nor this",
        "time": 1,
        "something-unknown": 1,
    }
    alert = received(reader, curl("-H", "Content-Type: application/json", f"{server.url}/", body=json.dumps(payload)))
    for member in ("topic", "message", "title", "priority", "tags", "click", "markdown", "data"):
        assert alert[member] == payload[member]
    assert alert["sender"] != "nor this" and alert["region"] != "nor this"
    assert alert["time"] > 1_600_000_000
    assert_log_order([alert["id"]])


def test_header_wins_over_query_over_json(server, topic, reader):
    body = json.dumps({"topic": topic, "message": "m", "title": "json", "priority": 1, "tags": ["json"]})
    alert = received(
        reader,
        curl("-H", "X-Title: header", f"{server.url}/?title=query&priority=2", body=body),
    )
    assert (alert["title"], alert["priority"], alert["tags"]) == ("header", 2, ["json"])


def test_a_repeated_key_raises_one_alert(server, topic, reader):
    first = curl("-H", "Idempotency-Key: k-1", f"{server.url}/{topic}", body="once")
    again = curl("-H", "Idempotency-Key: k-1", f"{server.url}/{topic}", body="once")
    received(reader, first)
    assert again.status == 200
    assert again.json["id"] == first.json["id"]
    assert again.json["duplicate"] is True and "duplicate" not in first.json
    received(reader, curl(f"{server.url}/{topic}", body="next"))


def test_a_delayed_alert_is_raised_when_due(server, topic, reader):
    answer = curl("-H", "Delay: 2s", f"{server.url}/{topic}", body="later")
    assert answer.status == 200 and answer.json["event"] == "scheduled"
    assert "id" not in answer.json or not answer.json["id"]
    received(reader, curl(f"{server.url}/{topic}", body="sooner"))
    alert = reader.message()
    assert alert["message"] == "later"
    assert alert["time"] >= answer.json["time"]


def test_an_expired_alert_is_not_replayed(server, topic, reader):
    alert = received(reader, curl("-H", "Expires: 2s", f"{server.url}/{topic}", body="gone soon"))
    assert alert["expires"] >= alert["time"] + 1
    received(reader, curl(f"{server.url}/{topic}", body="stays"))

    def held():
        return [each["message"] for each in curl(f"{server.url}/{topic}/json?poll=1").lines if each["event"] == "message"]

    wait_until(lambda: held() == ["stays"], "the alert to expire")


class TestHTTP:
    """What HTTP/1.1 allows a client to do."""

    def test_a_chunked_upload_that_expects_100_continue(self, server, topic, reader):
        text = "in chunks — 👽 " * 200
        alert = received(
            reader,
            curl(
                "-T", "-",
                "-H", "Transfer-Encoding: chunked",
                "-H", "Expect: 100-continue",
                f"{server.url}/{topic}",
                upload=text,
            ),
        )  # fmt: skip
        assert alert["message"].strip() == text.strip()

    def test_http_1_0(self, server, topic, reader):
        received(reader, curl("--http1.0", f"{server.url}/{topic}", body="old"))
        assert curl("--http1.0", f"{server.url}/{topic}/json?poll=1").lines[-1]["message"] == "old"

    def test_publishing_and_polling_in_turn_on_a_kept_connection(self, server, topic):
        """A client that keeps its connection alive, as most do. A poll may end it, if it says so."""
        steps = []
        for number in range(3):
            steps += ["--next", "-sS", "--data-raw", f"n{number}", f"{server.url}/{topic}", "-w", "\n%{num_connects} %{http_code}\n"]
            steps += ["--next", "-sS", f"{server.url}/{topic}/json?poll=1&since=latest", "-w", "%{num_connects} %{http_code}\n"]
        done = subprocess.run(["curl", *steps[1:]], capture_output=True, text=True, timeout=PATIENCE, check=True)
        lines = [line for line in done.stdout.splitlines() if line]
        assert not done.stderr, done.stderr
        assert [line.split()[1] for line in lines if line[0].isdigit()] == ["200"] * 6, done.stdout
        assert sum(int(line.split()[0]) for line in lines if line[0].isdigit()) < 6, f"no connection was used twice:\n{done.stdout}"
        texts = [json.loads(line)["message"] for line in lines if line.startswith("{")]
        assert texts == ["n0", "n0", "n1", "n1", "n2", "n2"]

    def test_head(self, server, topic):
        for path in ("/", f"/{topic}", "/health"):
            answer = curl("--head", f"{server.url}{path}")
            assert answer.status == 200, path

    def test_a_webhook_handshake(self, server, topic):
        """CloudEvents' HTTP webhook validation: the sender asks, the receiver says what it takes."""
        answer = curl("-X", "OPTIONS", "-H", "WebHook-Request-Origin: sender.example.com", f"{server.url}/{topic}")
        assert answer.status in (200, 204)
        assert answer.header("webhook-allowed-origin") in ("*", "sender.example.com")


class TestRefusals:
    """Bad input gets a precise error and raises nothing."""

    @staticmethod
    def refused(answer, *statuses: int) -> dict:
        assert answer.status in statuses, (answer.status, answer.body)
        assert answer.header("content-type").startswith("application/json")
        error = answer.json
        assert error["http"] == answer.status
        assert error["code"] // 100 == answer.status
        assert error["error"]
        assert error["link"].endswith(f"/errors#{error['code']}")
        return error

    @pytest.mark.parametrize(
        "headers",
        [
            ["Priority: 9"],
            ["Priority: loud"],
            ["Delay: soon"],
            ["Delay: 30d"],
            ["Expires: yesterday"],
            ["Click: javascript:alert(1)"],
            ["Icon: data:image/png;base64,AA=="],
            ["Actions: not json"],
            ["X-Tags: " + ",".join(f"t{number}" for number in range(17))],
            ["X-Title: " + "x" * 257],
            ["Idempotency-Key: " + "k" * 129],
        ],
        ids=lambda headers: headers[0][:24],
    )
    def test_bad_fields(self, server, topic, reader, headers):
        arguments = [part for header in headers for part in ("-H", header)]
        self.refused(curl(*arguments, f"{server.url}/{topic}", body="x"), 400, 413)
        received(reader, curl(f"{server.url}/{topic}", body="the next is fine"))

    @pytest.mark.parametrize(
        "header", ["Attach: https://example.com/a.png", "Filename: a.png", "Email: a@example.com", "Call: yes", "Cache: no"]
    )
    def test_what_ntfy_has_and_crier_has_not(self, server, topic, header):
        error = self.refused(curl("-H", header, f"{server.url}/{topic}", body="x"), 400)
        assert error["code"] == 40012

    @pytest.mark.parametrize("body", ["{", "[]", '"text"', '{"message":"no topic"}', '{"topic":"a b","message":"x"}', '{"topic":1}'])
    def test_bad_json(self, server, body):
        self.refused(curl(f"{server.url}/", body=body), 400)

    def test_text_that_is_not_utf8(self, server, topic):
        self.refused(curl(f"{server.url}/{topic}", body=b"\xff\xfe\x00"), 400)

    @pytest.mark.parametrize("name", ["a.b", "x" * 65, "%C3%BC", "docs", "metrics", "ws"])
    def test_names_that_cannot_be_topics(self, server, name):
        self.refused(curl("-X", "POST", f"{server.url}/{name}", body="x"), 400, 404, 405)

    @pytest.mark.parametrize("name", ["a.b", "x" * 65, "docs", "metrics"])
    def test_reading_names_that_cannot_be_topics(self, server, name):
        error = self.refused(curl(f"{server.url}/{name}/json?poll=1"), 400, 404)
        assert "pipelin" not in error["error"], "the reason given is the reason"

    def test_too_long_a_text(self, server, topic, reader):
        received(reader, curl(f"{server.url}/{topic}", body="x" * 4096))
        self.refused(curl(f"{server.url}/{topic}", body="x" * 4097), 400, 413)

    def test_too_large_a_body(self, server, topic):
        self.refused(curl(f"{server.url}/{topic}", body="x" * (64 * 1024 + 1)), 413)

    def test_paths_that_lead_nowhere(self, server):
        self.refused(curl(f"{server.url}/a/b/c/d"), 404)

    def test_methods_that_do_nothing(self, server, topic):
        self.refused(curl("-X", "DELETE", f"{server.url}/{topic}"), 404, 405)

    @pytest.mark.parametrize("since", ["tomorrow-ish", "!!!!!!!!!!!!"])
    def test_a_since_that_means_nothing(self, server, topic, since):
        self.refused(curl("--get", "--data-urlencode", f"since={since}", f"{server.url}/{topic}/json?poll=1"), 400)


class TestToken:
    """With PUBLISH_TOKEN set, every publish needs it, in any of the forms that ntfy's clients have."""

    TOKEN = "tk_0123456789abcdef"

    def test_only_its_bearer_publishes(self, own_server, topic):
        server = own_server(PUBLISH_TOKEN=self.TOKEN)
        url = f"{server.url}/{topic}"
        encoded = base64.urlsafe_b64encode(f"Bearer {self.TOKEN}".encode()).decode().rstrip("=")

        none = curl(url, body="x")
        TestRefusals.refused(none, 401)
        assert none.header("www-authenticate"), "RFC 9110, 15.5.2: a 401 names a challenge"
        TestRefusals.refused(curl("-H", "Authorization: Bearer wrong", url, body="x"), 401, 403)
        TestRefusals.refused(curl("-u", "anyone:wrong", url, body="x"), 401, 403)
        TestRefusals.refused(curl(f"{url}/trigger?message=x"), 401)

        sent = [
            curl("-H", f"Authorization: Bearer {self.TOKEN}", url, body="1"),
            curl("-u", f"anyone:{self.TOKEN}", url, body="2"),
            curl("-u", f":{self.TOKEN}", url, body="3"),
            curl(f"{url}?auth={encoded}", body="4"),
            curl(f"{url}/trigger?message=5&auth={encoded}"),
        ]
        assert [answer.status for answer in sent] == [200] * 5
        held = curl(f"{url}/json?poll=1").lines
        assert [each["message"] for each in held if each["event"] == "message"] == ["1", "2", "3", "4", "5"]
        assert self.TOKEN not in server.log
