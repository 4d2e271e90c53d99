"""The lobby, the rooms and signing in, in a real browser: Debian's Chromium."""


import pytest
from playwright.sync_api import expect

from page import RoomPage, Tab
from waiting import wait_until

VM = "1234567890abcd"
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
CONTROLS = {"button", "link", "textbox", "radio", "checkbox", "switch", "combobox", "searchbox"}


@pytest.fixture
def amsterdam(own_server):
    """One VM, in Amsterdam, alone on its bus."""
    return own_server(FLY_REGION="ams", FLY_ALLOC_ID=VM)


@pytest.fixture
def enter(amsterdam, person):
    """Somebody enters Amsterdam's room: `enter("ada")`, with options of the browser context."""

    def come_in(name: str, query: str = "", **options) -> RoomPage:
        return RoomPage(person(**options), f"{amsterdam.url}/rooms/ams{query}").enter(name)

    return come_in


# Signing in


def test_a_room_asks_who_one_is_and_then_lets_one_in(amsterdam, person):
    tab = RoomPage(person(), f"{amsterdam.url}/rooms/ams")
    tab.page.goto(tab.url)
    tab.page.wait_for_url("**/login?next=*")
    expect(tab.page.locator("#where")).to_have_text("the room of Amsterdam")
    tab.page.locator("#name").fill("ada")
    with tab.page.expect_event("websocket") as opened:
        tab.page.locator("#submit").click()
    assert opened.value.url == f"{amsterdam.ws_url}/rooms/ams/ws?fly_instance_id={VM}", "it asks for the VM that served the page"
    tab.page.wait_for_url(tab.url)
    tab.wait_live()
    assert tab.page.locator("html").get_attribute("data-vm") == VM
    assert tab.page.locator("html").get_attribute("data-region") == "ams"
    expect(tab.page.locator("#user")).to_have_text("ada")
    expect(tab.page.locator("#vm")).to_have_text(f"VM {VM}")
    expect(tab.page.get_by_role("heading", level=1)).to_have_text("Amsterdam")
    cookies = [cookie for cookie in tab.page.context.cookies() if cookie["name"] != "crier_vm"]
    assert cookies and all(cookie["httpOnly"] for cookie in cookies), "no script can read the session"
    tab.assert_clean()


@pytest.mark.parametrize("name", ["", "   ", "<b>", "x" * 33])
def test_a_name_that_is_none_is_told(amsterdam, person, name):
    tab = Tab(person(), f"{amsterdam.url}/login")
    tab.page.goto(tab.url)
    tab.page.wait_for_selector("#submit:enabled")
    tab.page.locator("#name").fill(name)
    tab.page.locator("#submit").click()
    expect(tab.page.locator("#outcome")).not_to_be_empty()
    expect(tab.page.locator("#name")).to_have_attribute("aria-invalid", "true")
    expect(tab.page.locator("#name")).to_be_focused()
    assert "/login" in tab.page.url
    tab.assert_clean()


def test_signing_in_never_leads_to_another_site(amsterdam, person):
    tab = Tab(person(), f"{amsterdam.url}/login?next=//evil.example/rooms/ams")
    tab.page.goto(tab.url)
    tab.page.wait_for_selector("#submit:enabled")
    tab.page.locator("#name").fill("ada")
    tab.page.locator("#submit").click()
    tab.page.wait_for_url(f"{amsterdam.url}/lobby")
    expect(tab.page.locator("#user")).to_have_text("ada")


def test_signing_out_ends_the_room_in_every_tab(amsterdam, person):
    context = person()
    here = RoomPage(context, f"{amsterdam.url}/rooms/ams").enter("ada")
    there = RoomPage(context, f"{amsterdam.url}/rooms/ams")
    with there.page.expect_event("websocket") as opened:
        there.enter("ada")
    there.page.locator("#text").fill("half a sentence")
    with opened.value.expect_event("close", timeout=1000):
        here.page.locator("#sign-out").click()
    there.page.wait_for_url("**/login?next=*")
    expect(there.page.locator("#signed-out")).to_be_visible()
    here.page.wait_for_url("**/lobby")
    expect(here.page.locator("#sign-in")).to_be_visible()
    # The same person finds what was not sent yet.
    there.page.locator("#name").fill("ada")
    there.page.locator("#submit").click()
    there.page.wait_for_url(there.url)
    expect(there.page.locator("#text")).to_have_value("half a sentence")


# Saying something


def test_a_message_shows_at_once_and_once_for_everybody(enter):
    ada, grace = enter("ada"), enter("grace")
    ada.say("Lights over the harbour — 👽")
    ada.wait_for("Lights over the harbour — 👽")
    grace.wait_for("Lights over the harbour — 👽")
    grace.say("I see them too.")
    ada.say("Three of them.")
    for tab in (ada, grace):
        wait_until(lambda tab=tab: len(tab.said) == 3 and all(item["id"] for item in tab.said), "all three, confirmed")
    assert [item["id"] for item in ada.said] == [item["id"] for item in grace.said], "the same order for all"
    assert [item["own"] for item in ada.said] == [item["own"] is False for item in grace.said]
    assert {(item["by"], item["text"]) for item in grace.said if not item["own"]} >= {("ada", "Lights over the harbour — 👽")}
    for tab in (ada, grace):
        tab.assert_clean()


def test_the_same_words_many_times_are_as_many_messages(enter):
    ada, grace = enter("ada"), enter("grace")
    for _ in range(5):
        ada.say("again")
    ada.wait_for(*["again"] * 5)
    grace.wait_for(*["again"] * 5)
    wait_until(lambda: all(item["id"] for item in ada.said), "all to be confirmed")
    assert [item["id"] for item in ada.said] == [item["id"] for item in grace.said]


def test_what_is_written_offline_shows_at_once_and_is_heard_once(enter):
    ada, grace = enter("ada"), enter("grace")
    ada.page.context.set_offline(True)
    ada.wait_not_live()
    ada.say("from the tunnel")
    wait_until(lambda: [item["state"] for item in ada.said] == ["pending"], "the message, on its way")
    grace.say("where is ada?")
    grace.wait_for("where is ada?")
    ada.page.context.set_offline(False)
    ada.wait_live()
    grace.wait_for("where is ada?", "from the tunnel")
    ada.wait_for("where is ada?", "from the tunnel")


def test_a_newcomer_sees_the_newest_twenty(enter):
    ada = enter("ada")
    for number in range(25):
        ada.say(f"word {number}")
    ada.wait_for(*[f"word {number}" for number in range(25)])
    grace = enter("grace")
    grace.wait_for(*[f"word {number}" for number in range(5, 25)])
    ada.page.reload()
    ada.wait_for(*[f"word {number}" for number in range(5, 25)])
    assert all(item["own"] for item in ada.said)
    assert grace.lines == [], "history is not news"


def test_what_one_does_and_markup_are_text(enter):
    ada, grace = enter("ada"), enter("grace")
    evil = "<img src=x onerror=\"document.title='owned'\"> https://example.com/"
    ada.say("/me waves")
    ada.say(evil)
    for tab in (ada, grace):
        tab.wait_for("* ada waves", evil)
        assert tab.page.locator("#talk img, #talk a").count() == 0
        assert tab.page.title() != "owned"
        tab.assert_clean()


def test_enter_sends_and_shift_enter_begins_a_line(enter):
    ada = enter("ada")
    ada.page.locator("#text").click()
    ada.page.keyboard.type("one")
    ada.page.keyboard.press("Shift+Enter")
    ada.page.keyboard.type("two")
    ada.page.keyboard.press("Enter")
    ada.wait_for("one\ntwo")
    ada.page.keyboard.press("Enter")
    ada.page.keyboard.type("   ")
    ada.page.keyboard.press("Enter")
    ada.say("three")
    ada.wait_for("one\ntwo", "three")


def test_what_is_too_long_stays_with_its_writer(enter):
    ada = enter("ada")
    ada.say("é" * 2049)
    expect(ada.page.locator("#text-hint")).to_have_text("Too long by 2 bytes. Make it shorter to send it.")
    expect(ada.page.locator("#text")).to_have_value("é" * 2049)
    assert ada.said == []
    ada.say("é" * 2048)
    ada.wait_for("é" * 2048)
    expect(ada.page.locator("#text")).to_have_value("")


def test_a_draft_outlives_a_reload(enter):
    ada = enter("ada")
    ada.page.locator("#text").fill("not yet said")
    ada.page.reload()
    ada.wait_live()
    expect(ada.page.locator("#text")).to_have_value("not yet said")


def test_a_refused_message_stays_and_can_be_sent_again(own_server, person):
    server = own_server(FLY_REGION="ams", FLY_ALLOC_ID=VM, MAX_TEXT="16")
    ada = RoomPage(person(), f"{server.url}/rooms/ams").enter("ada")
    ada.say("this is longer than sixteen bytes")
    wait_until(lambda: [item["state"] for item in ada.said] == ["failed"], "the refusal")
    again = ada.page.get_by_role("button", name="Send again")
    expect(again).to_be_visible()
    expect(ada.page.locator("#talk .said-state")).to_contain_text("Not sent")
    ada.say("short")
    wait_until(lambda: [item["state"] for item in ada.said] == ["sent", "failed"], "the short one")
    again.click()
    wait_until(lambda: [item["state"] for item in ada.said] == ["sent", "failed"], "the second refusal")
    ada.page.reload()
    ada.wait_live()
    wait_until(lambda: [item["text"] for item in ada.said] == ["short", "this is longer than sixteen bytes"], "the unsent message")


# Who is there


def test_who_comes_and_leaves_is_told_and_who_reloads_is_not(enter):
    ada = enter("ada")
    assert ada.people == ["ada"]
    grace = enter("grace")
    ada.wait_for_line("grace came in")
    grace.page.reload()
    grace.wait_live()
    linus = enter("linus")
    ada.wait_for_line("linus came in")
    assert sorted(ada.people) == ["ada", "grace", "linus"] and ada.people[0] == "ada"
    linus.page.close()
    ada.wait_for_line("linus left")
    assert ada.people == ["ada", "grace"]
    # Linus left after grace's reload, so a line about her would be there as well.
    assert ada.lines == ["grace came in", "linus came in", "linus left"]
    grace.wait_for_line("linus left")


def test_server_sent_events_in_place_of_a_websocket(enter):
    ada = enter("ada")
    grace = enter("grace", "?transport=sse")
    expect(grace.page.locator("#transport")).to_have_attribute("data-transport", "sse")
    grace.say("over plain HTTP")
    ada.wait_for("over plain HTTP")
    ada.say("over a WebSocket")
    grace.wait_for("over plain HTTP", "over a WebSocket")
    ada.wait_for("over plain HTTP", "over a WebSocket")
    linus = enter("linus")
    grace.wait_for_person("linus")
    linus.page.close()
    wait_until(lambda: "linus" not in grace.people, "linus to be gone")
    grace.assert_clean()


def test_signing_out_ends_a_room_on_server_sent_events(amsterdam, person):
    context = person()
    grace = RoomPage(context, f"{amsterdam.url}/rooms/ams?transport=sse").enter("grace")
    elsewhere = Tab(context, f"{amsterdam.url}/lobby")
    elsewhere.page.goto(elsewhere.url)
    elsewhere.page.locator("#sign-out").click()
    grace.page.wait_for_url("**/login?next=*")


def test_the_room_of_one_vm(amsterdam, person):
    ada = RoomPage(person(), f"{amsterdam.url}/rooms/vm/{VM}").enter("ada")
    expect(ada.page.get_by_role("heading", level=1)).to_have_text(f"VM {VM}")
    ada.say("only here")
    ada.wait_for("only here")
    grace = RoomPage(person(), f"{amsterdam.url}/rooms/ams").enter("grace")
    grace.say("not there")
    grace.wait_for("not there")
    assert ada.texts == ["only here"] and ada.people == ["ada"]


# The lobby


def test_the_lobby_shows_the_vms_and_leads_into_a_room(amsterdam, person, enter):
    enter("grace")
    tab = Tab(person(), f"{amsterdam.url}/lobby")
    tab.page.goto(tab.url)
    tab.wait_live()
    region = tab.page.get_by_role("article", name="Amsterdam")
    expect(region).to_contain_text("1 person in the room")
    row = region.get_by_role("row", name=VM)
    expect(row).to_contain_text("serves you")
    expect(row.locator(".round-trip")).to_contain_text("ms")
    assert int(row.get_by_role("cell").first.inner_text()) >= 1, "grace reads"
    tab.assert_clean()
    region.get_by_role("link", name="Enter the room of Amsterdam").click()
    tab.page.wait_for_url("**/login?next=*")


def test_the_lobby_knows_who_is_signed_in(amsterdam, enter):
    ada = enter("ada")
    ada.page.get_by_role("link", name="Back to the lobby").click()
    expect(ada.page.locator("#user")).to_have_text("ada")
    expect(ada.page.locator("#sign-in")).to_be_hidden()
    ada.page.locator("#sign-out").click()
    expect(ada.page.locator("#sign-in")).to_be_visible()
    expect(ada.page.locator("#sign-in")).to_be_focused()
    ada.page.goto(ada.url)
    ada.page.wait_for_url("**/login?next=*")


def test_the_front_page_leads_to_the_lobby_and_knows_who_is_signed_in(amsterdam, enter):
    ada = enter("ada")
    ada.page.goto(f"{amsterdam.url}/")
    expect(ada.page.locator("#user")).to_have_text("ada")
    ada.wait_live()
    ada.assert_clean()
    ada.page.get_by_role("link", name="The lobby").click()
    ada.page.wait_for_url("**/lobby")


def test_the_lobby_says_when_its_picture_is_old(amsterdam, person):
    tab = Tab(person(), f"{amsterdam.url}/lobby")
    tab.page.goto(tab.url)
    tab.wait_live()
    amsterdam.stop()
    expect(tab.page.locator("#state")).to_have_attribute("data-state", "stale")
    expect(tab.page.locator("#state-note")).to_contain_text("old")
    expect(tab.page.locator(".vm")).to_have_count(1)
    amsterdam.start()
    tab.wait_live()


def test_a_room_that_nobody_serves(amsterdam, person):
    tab = Tab(person(), f"{amsterdam.url}/rooms/xyz")
    response = tab.page.goto(tab.url)
    assert response.status == 404
    expect(tab.page.get_by_role("heading", level=1)).to_have_text("No such room")
    expect(tab.page.locator("#wanted")).to_have_text("xyz")
    tab.page.get_by_role("link", name="Amsterdam").click()
    tab.page.wait_for_url("**/login?next=*")
    assert tab.page.goto(f"{amsterdam.url}/rooms/vm/ffffffffffffff").status == 404


# For every screen, every hand and every ear


# The contrast of each piece of text that stands on a plain colour (WCAG 2.2, 1.4.3), where it is less than 4.5.
FAINT = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (color, behind) => {
    canvas.fillStyle = behind ?? "white"; canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };
  const light = (color) => {
    const [r, g, b] = color.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const faint = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const seen = element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    if (!own || !seen || element.closest(".unseen, :disabled, noscript")) continue;
    const isClear = ({ backgroundColor, backgroundImage }) => /, 0\\)$|transparent/.test(backgroundColor) && backgroundImage === "none";
    let behind = element;
    while (behind && isClear(getComputedStyle(behind))) behind = behind.parentElement;
    const paper = behind && getComputedStyle(behind);
    if (paper && paper.backgroundImage !== "none") continue;
    const back = rgb(paper?.backgroundColor ?? "white");
    const front = rgb(getComputedStyle(element).color, `rgb(${back})`);
    const [high, low] = [light(front), light(back)].sort((a, b) => b - a);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5) faint.push(`${element.tagName}.${element.className} ${element.textContent.slice(0, 30)}: ${contrast.toFixed(2)}`);
  }
  return faint;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_pages_fit_the_screen_and_can_be_read(amsterdam, enter, viewport, scheme):
    ada = enter("ada", viewport=viewport, color_scheme=scheme)
    ada.say("A long word: " + "x" * 300)
    ada.say("/me waves")
    ada.wait_for("A long word: " + "x" * 300, "* ada waves")
    enter("grace")
    ada.wait_for_line("grace came in")
    size = "phone" if viewport is PHONE else "desktop"
    for name, path, shown in [
        ("room", None, "#talk .aside"),
        ("login", "/login?next=/rooms/ams", "#already"),
        ("lobby", "/lobby", ".vm"),
        ("unknown-room", "/rooms/xyz", ".room-entry"),
        ("front", "/", "#whoami"),
    ]:
        if path is not None:
            ada.page.goto(f"{amsterdam.url}{path}")
        ada.page.wait_for_selector(f"{shown}:visible")
        ada.shoot(f"{name}-{size}-{scheme}")
        assert ada.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], f"{name}: nothing sticks out sideways"
        assert ada.page.evaluate(FAINT) == [], name
        if name == "room":
            box = ada.page.locator("#send").bounding_box()
            assert box["y"] + box["height"] <= viewport["height"], "what one says something with is in sight"
        assert ada.page.evaluate("window.__violations") == []


def unnamed_controls(tab: Tab) -> list[str]:
    """The controls in the accessibility tree that have no name."""
    session = tab.page.context.new_cdp_session(tab.page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    controls = [node for node in nodes if not node["ignored"] and node["role"]["value"] in CONTROLS]
    assert controls, "there is something to do on every page"
    return [node["role"]["value"] for node in controls if not node.get("name", {}).get("value", "").strip()]


def test_every_control_has_a_name_and_every_page_its_landmarks(amsterdam, enter):
    ada = enter("ada")
    ada.say("hello")
    ada.wait_for("hello")
    for path, shown in [(None, "#talk .said"), ("/lobby", ".vm"), ("/login", "#already"), ("/rooms/xyz", ".room-entry")]:
        if path is not None:
            ada.page.goto(f"{amsterdam.url}{path}")
        ada.page.wait_for_selector(f"{shown}:visible")
        assert unnamed_controls(ada) == [], path
        expect(ada.page.get_by_role("main")).to_have_count(1)
        expect(ada.page.get_by_role("banner")).to_have_count(1)
        expect(ada.page.get_by_role("heading", level=1)).to_have_count(1)
    ada.page.context.clear_cookies()
    ada.page.goto(f"{amsterdam.url}/login")
    ada.page.wait_for_selector("#submit:enabled")
    assert unnamed_controls(ada) == []
    ada.page.goto(ada.url)
    ada.page.wait_for_url("**/login?next=*")


def press_until(tab: Tab, key: str, is_there: str) -> None:
    """Presses a key until what has the focus matches a selector; and whatever has it on the way can be seen to have it."""
    for _ in range(40):
        tab.page.keyboard.press(key)
        if tab.page.evaluate(f"document.activeElement.matches({is_there!r})"):
            break
    assert tab.page.evaluate(f"document.activeElement.matches({is_there!r})"), f"{is_there} is in {key}'s reach"
    assert tab.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", "the focus can be seen"


def test_the_keyboard_alone_is_enough(amsterdam, person):
    tab = RoomPage(person(), f"{amsterdam.url}/rooms/ams")
    tab.page.goto(f"{amsterdam.url}/lobby")
    tab.page.wait_for_selector(".vm")
    press_until(tab, "Tab", 'a[href="/rooms/ams"]')
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_url("**/login?next=*")
    expect(tab.page.locator("#name")).to_be_focused()
    tab.page.keyboard.type("ada")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_url(tab.url)
    tab.wait_live()
    expect(tab.page.locator("#text")).to_be_focused()
    tab.page.keyboard.type("by keyboard")
    tab.page.keyboard.press("Enter")
    tab.wait_for("by keyboard")
    expect(tab.page.locator("#text")).to_be_focused()
    press_until(tab, "Shift+Tab", "#log")
    press_until(tab, "Shift+Tab", "#sign-out")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_url("**/lobby")
    expect(tab.page.locator("#sign-in")).to_be_visible()
