"""apprise, the notification library, with its ntfy plugin."""

import json
import urllib.parse

import apprise
import pytest
from apprise.plugins.ntfy import NotifyNtfy

from curl import JSONStream


@pytest.fixture(autouse=True)
def unthrottled(monkeypatch):
    """The plugin waits between two requests; here each test sends one or two."""
    monkeypatch.setattr(NotifyNtfy, "request_rate_per_sec", 0)


@pytest.fixture
def reader(server, topic):
    with JSONStream(f"{server.url}/{topic}/json") as stream:
        yield stream


def notify(server, topic, body, credentials="", *, notification=None, **parameters) -> bool:
    """Sends by the library's public interface; what it returns is whether it believes the server took the notification."""
    # apprise does not read "+" as a space.
    query = urllib.parse.urlencode({"mode": "private", **parameters}, quote_via=urllib.parse.quote)
    sender = apprise.Apprise()
    assert sender.add(f"ntfy://{credentials}localhost:{server.port}/{topic}?{query}")
    return sender.notify(body=body, **(notification or {}))


def test_a_plain_notification(server, topic, reader):
    assert notify(server, topic, "Backup finished", notification={"title": "nightly"})
    alert = reader.message()
    assert (alert["topic"], alert["title"], alert["message"]) == (topic, "nightly", "Backup finished")
    assert alert["icon"].startswith("https://")


@pytest.mark.parametrize(
    "priority, value", [("min", 1), ("low", 2), ("default", 3), ("high", 4), ("max", 5), ("emergency", 5)]
)
def test_priorities(server, topic, reader, priority, value):
    assert notify(server, topic, "x", priority=priority)
    assert reader.message().get("priority", 3) == value


def test_tags_click_and_delay(server, topic, reader):
    assert notify(server, topic, "x", xtags="warning,skull", click="https://example.com/a?b=c&d=é")
    alert = reader.message()
    assert sorted(alert["tags"]) == ["skull", "warning"]  # apprise keeps them as a set
    assert alert["click"].startswith("https://example.com/a?b=c&d=")
    assert notify(server, topic, "later", delay="1s")
    assert reader.message()["message"] == "later"


def test_text_beyond_ascii(server, topic, reader):
    body = "Łódź · 東京 · 👩‍🚒🔥 \u202eabc\u202c\nsecond line"
    assert notify(server, topic, body, notification={"title": "Ünïcødé 🚨"})
    alert = reader.message()
    assert alert["message"] == body
    assert alert["title"] == "Ünïcødé 🚨"


def test_markdown(server, topic, reader):
    body = "# Heading\n\n**bold** and [a link](https://example.com/)"
    assert notify(server, topic, body, notification={"body_format": apprise.NotifyFormat.MARKDOWN}, format="markdown")
    alert = reader.message()
    assert alert["markdown"] is True
    assert "**bold**" in alert["message"]


def test_actions(server, topic, reader):
    actions = [{"action": "view", "label": "Open the door", "url": "https://example.com/"}]
    assert notify(server, topic, "x", actions=json.dumps(actions))
    assert reader.message()["actions"] == actions


def test_two_topics_in_one_notification(server, topic):
    with JSONStream(f"{server.url}/{topic}-1,{topic}-2/json") as stream:
        assert notify(server, f"{topic}-1/{topic}-2", "both")
        assert sorted(alert["topic"] for alert in stream.messages(2)) == [f"{topic}-1", f"{topic}-2"]


def test_it_is_told_of_a_refusal(server, topic, reader):
    assert not notify(server, topic, "x" * 5000)
    assert not notify(server, topic, "x", email="someone@example.com")
    assert notify(server, topic, "fine")
    assert reader.message()["message"] == "fine"


def test_an_attachment_is_refused_and_not_taken_for_text(server, topic, reader, tmp_path):
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    assert not notify(server, topic, "look", notification={"attach": str(picture)})
    assert notify(server, topic, "fine")
    assert reader.message()["message"] == "fine"


def test_its_ways_to_show_a_token(own_server, topic):
    server = own_server(PUBLISH_TOKEN="tk_0123456789abcdef")
    with JSONStream(f"{server.url}/{topic}/json") as stream:
        assert not notify(server, topic, "without")
        assert not notify(server, topic, "wrong", "anyone:wrong@")
        assert notify(server, topic, "basic", "anyone:tk_0123456789abcdef@")
        assert notify(server, topic, "bearer", "tk_0123456789abcdef@", auth="token")
        assert [alert["message"] for alert in stream.messages(2)] == ["basic", "bearer"]
