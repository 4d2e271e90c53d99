"""The page in a real browser: Debian's Chromium, driven over its DevTools protocol."""


import pytest
from playwright.sync_api import expect

from curl import curl
from page import LIVE, CrierPage
from redis_process import RedisProcess
from severable_wire import SeverableWire
from waiting import wait_until

PHONE = {"width": 390, "height": 844}


def publish(server, topic, message, *arguments) -> dict:
    answer = curl(*arguments, f"{server.url}/{topic}", body=message)
    assert answer.status == 200, answer.body
    return answer.json


def test_the_red_button_is_heard_everywhere(server, topic, person):
    here = CrierPage(person(), f"{server.url}/{topic}").open()
    there = CrierPage(person(), f"{server.url}/{topic}").open()
    assert (here.transport, there.transport) == ("websocket", "websocket")
    here.raise_alert("Aliens over Sydney — 👽")
    for page in (here, there):
        page.wait_for("Aliens over Sydney — 👽")
        assert page.feed[-1]["topic"] == topic
    there.raise_alert("and over Paris")
    by_curl = publish(server, topic, "and by curl", "-H", "Title: From a back end", "-H", "Priority: 5", "-H", "Tags: warning")
    for page in (here, there):
        page.wait_for("Aliens over Sydney — 👽", "and over Paris", "and by curl")
        assert page.feed[-1]["id"] == by_curl["id"]
        assert "From a back end" in page.page.locator(f'#feed [data-id="{by_curl["id"]}"]').inner_text()
        page.assert_clean()
    held = [event for event in curl(f"{server.url}/{topic}/json?poll=1").lines if event["event"] == "message"]
    assert [alert["id"] for alert in held] == [item["id"] for item in here.feed]


def test_the_front_page_raises_on_the_topic_that_was_typed(server, topic, person):
    front = CrierPage(person(), f"{server.url}/").open()
    listener = CrierPage(person(), f"{server.url}/{topic}").open()
    front.raise_alert("from the front page", topic)
    listener.wait_for("from the front page")
    front.assert_clean()


def test_a_reload_catches_up(server, topic, person):
    tab = CrierPage(person(), f"{server.url}/{topic}").open()
    publish(server, topic, "seen")
    tab.wait_for("seen")
    tab.page.goto("about:blank")
    for number in range(5):
        publish(server, topic, f"missed {number}")
    tab.open()
    tab.wait_for(*[f"missed {number}" for number in range(5)])
    publish(server, topic, "live again")
    tab.wait_for("missed 4", "live again")
    tab.page.reload()
    tab.wait_live()
    tab.wait_for("missed 4", "live again")
    tab.assert_clean()


def test_a_restart_of_the_server(own_server, topic, person):
    server = own_server()
    tab = CrierPage(person(), f"{server.url}/{topic}").open()
    publish(server, topic, "before")
    tab.wait_for("before")
    server.stop()
    tab.wait_not_live()
    tab.shoot("disconnected")
    said = tab.page.locator("#state").inner_text().strip()
    server.start()
    tab.wait_live()
    assert tab.page.locator("#state").inner_text().strip() != said, "the page says in words that it was away"
    assert any(state != LIVE for state in tab.states[tab.states.index(LIVE) :])
    publish(server, topic, "after")
    tab.wait_for("after")
    tab.raise_alert("and by hand")
    tab.wait_for("after", "and by hand")
    assert tab.page.evaluate("window.__violations") == []


@pytest.fixture
def redis(tmp_path):
    process = RedisProcess(tmp_path).start()
    yield process
    process.kill()


def test_two_regions_on_redis_and_the_loss_of_the_bus(own_server, redis, topic, person):
    dallas, sydney = (
        own_server(BUS="redis", REDIS_URL=redis.url, FLY_ALLOC_ID=f"vm-{region}", FLY_REGION=region) for region in ("dfw", "syd")
    )
    far = CrierPage(person(), f"{sydney.url}/{topic}").open()
    near = CrierPage(person(), f"{dallas.url}/{topic}").open()
    near.raise_alert("hello Sydney")
    far.wait_for("hello Sydney")
    far.raise_alert("hello Dallas")
    near.wait_for("hello Sydney", "hello Dallas")

    redis.kill()
    for tab in (near, far):
        expect(tab.page.locator("#state")).to_have_attribute("data-state", "stale", timeout=20_000)
    far.shoot("bus-away")
    assert curl(f"{dallas.url}/{topic}", body="into the void").status == 503
    near.raise_alert("raised while the bus was away")
    redis.start()
    for tab in (near, far):
        tab.wait_live()
        tab.wait_for("hello Sydney", "hello Dallas", "raised while the bus was away")
        assert tab.page.evaluate("window.__violations") == []


@pytest.mark.parametrize("query", ["", "?transport=sse"], ids=["websocket", "sse"])
def test_offline_and_back(server, topic, person, query):
    """The network goes away under the page, and alerts are raised meanwhile, one by the person who is offline."""
    wire = SeverableWire(server.port)
    try:
        context = person()
        tab = CrierPage(context, f"http://127.0.0.1:{wire.port}/{topic}{query}").open()
        publish(server, topic, "before")
        tab.wait_for("before")
        context.set_offline(True)
        wire.cut()
        tab.wait_not_live()
        tab.raise_alert("raised while offline")
        for number in range(5):
            publish(server, topic, f"missed {number}")
        assert "missed 0" not in tab.texts
        wire.mend()
        context.set_offline(False)
        tab.wait_live()
        wait_until(lambda: "raised while offline" in tab.texts, "the alert that waited for the network")
        assert [text for text in tab.texts if text != "raised while offline"] == ["before", *[f"missed {number}" for number in range(5)]]
        held = [event for event in curl(f"{server.url}/{topic}/json?poll=1").lines if event["event"] == "message"]
        assert [alert["id"] for alert in held] == [item["id"] for item in tab.feed], "each was raised once"
        assert tab.page.evaluate("window.__violations") == []
    finally:
        wire.close()


def test_server_sent_events_in_place_of_a_websocket(server, topic, person):
    fallback = CrierPage(person(), f"{server.url}/{topic}?transport=sse").open()
    usual = CrierPage(person(), f"{server.url}/{topic}").open()
    assert (fallback.transport, usual.transport) == ("sse", "websocket")
    fallback.raise_alert("over plain HTTP")
    usual.wait_for("over plain HTTP")
    usual.raise_alert("over a WebSocket")
    publish(server, topic, "by curl\nin two lines")
    for page in (fallback, usual):
        page.wait_for("over plain HTTP", "over a WebSocket", "by curl\nin two lines")
    assert fallback.feed == usual.feed
    fallback.assert_clean()


def test_markup_is_text(server, topic, person):
    tab = CrierPage(person(), f"{server.url}/{topic}").open()
    evil = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    publish(server, topic, evil, "-H", f"Title: {evil}", "-H", "Tags: <b>tag</b>")
    publish(server, topic, evil, "-H", "Markdown: yes")
    tab.wait_for(evil, evil)
    tab.raise_alert(evil)
    tab.wait_for(evil, evil, evil)
    assert tab.page.locator("#feed img, #feed script, #toasts img, #toasts script").count() == 0
    assert tab.page.title() != "owned"
    tab.assert_clean()


def test_an_alert_shows_as_a_toast(server, topic, person):
    tab = CrierPage(person(), f"{server.url}/{topic}").open()
    publish(server, topic, "look at me", "-H", "Priority: 5")
    expect(tab.page.locator("#toasts")).to_contain_text("look at me")


def test_a_refusal_is_told(server, topic, person):
    tab = CrierPage(person(), f"{server.url}/{topic}").open()
    tab.page.locator("#message").evaluate("element => element.removeAttribute('maxlength')")
    tab.raise_alert("x" * 4097)
    outcome = tab.page.locator("#outcome")
    expect(outcome).to_have_attribute("data-phase", "refused")
    assert outcome.inner_text().strip()
    tab.raise_alert("short enough")
    tab.wait_for("short enough")
    assert tab.texts == ["short enough"]


def test_the_publish_token_is_asked_for(own_server, topic, person):
    server = own_server(PUBLISH_TOKEN="tk_0123456789abcdef")
    tab = CrierPage(person(), f"{server.url}/{topic}").open()
    expect(tab.page.locator("#token")).to_be_hidden()
    tab.raise_alert("too early")
    expect(tab.page.locator("#token")).to_be_visible()
    tab.page.locator("#token").fill("wrong")
    tab.raise_alert("with a wrong one")
    expect(tab.page.locator("#outcome")).to_have_attribute("data-phase", "refused")
    tab.page.locator("#token").fill("tk_0123456789abcdef")
    tab.raise_alert("with the right one")
    tab.wait_for("with the right one")
    assert tab.texts == ["with the right one"]


def test_the_response_headers(server, topic):
    for path in ("/", f"/{topic}"):
        answer = curl(f"{server.url}{path}")
        assert answer.status == 200
        assert answer.header("content-type").startswith("text/html")
        policy = answer.header("content-security-policy")
        assert "default-src" in policy and "'unsafe-inline'" not in policy and "'unsafe-eval'" not in policy
        assert answer.header("x-content-type-options") == "nosniff"
        assert answer.header("referrer-policy")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [{"width": 1280, "height": 800}, PHONE], ids=["desktop", "phone"])
def test_it_fits_the_screen_and_follows_the_scheme(server, topic, person, viewport, scheme):
    tab = CrierPage(person(viewport=viewport, color_scheme=scheme), f"{server.url}/{topic}").open()
    publish(server, topic, "A long word: " + "x" * 300)
    publish(server, topic, "Aliens over Sydney", "-H", "Title: Alien landing!", "-H", "Priority: 5", "-H", "Tags: warning,skull")
    publish(server, topic, "Backup finished", "-H", "Priority: 2", "-H", "Click: https://example.com/")
    tab.wait_for("Aliens over Sydney", "Backup finished")
    tab.shoot(f"{'phone' if viewport is PHONE else 'desktop'}-{scheme}")
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], "nothing sticks out sideways"
    button = tab.page.locator("#raise").bounding_box()
    assert button["width"] >= 44 and button["height"] >= 44
    lightness = tab.page.evaluate(
        """() => {
             const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
             const behind = [document.body, document.documentElement].map((element) => getComputedStyle(element).backgroundColor);
             canvas.fillStyle = behind.find((color) => !/, 0\\)$|transparent/.test(color)) ?? "white";
             canvas.fillRect(0, 0, 1, 1);
             return Math.max(...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3));
           }"""
    )
    assert (lightness < 100) == (scheme == "dark")
    tab.assert_clean()


def test_the_keyboard_alone_is_enough(server, topic, person):
    tab = CrierPage(person(), f"{server.url}/{topic}").open()
    tab.page.locator("#message").fill("by keyboard")
    for _ in range(20):
        tab.page.keyboard.press("Tab")
        if tab.page.evaluate("document.activeElement.id") == "raise":
            break
    assert tab.page.evaluate("document.activeElement.id") == "raise"
    tab.page.keyboard.press("Enter")
    tab.wait_for("by keyboard")
    tab.assert_clean()
