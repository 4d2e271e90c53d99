"""The page as a person sees it, through its documented DOM hooks, in Debian's Chromium."""

import os

from playwright.sync_api import BrowserContext, Page, expect

from crier_server import REPOSITORY
from waiting import PATIENCE, wait_until

LIVE = "live"

# Runs before the page's own scripts. Playwright injects it past the content security policy.
OBSERVE = """
window.__violations = [];
window.__states = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.__violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
new MutationObserver(() => {
  const state = document.getElementById("state")?.dataset.state;
  if (state && state !== window.__states.at(-1)) window.__states.push(state);
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-state"] });
"""


class Tab:
    """One tab of a browser, whatever page is in it."""

    def __init__(self, context: BrowserContext, url: str):
        self.url = url
        self.errors: list[str] = []
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE * 1000)
        self.page.add_init_script(OBSERVE)
        self.page.on("console", lambda message: message.type in ("error", "warning") and self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def wait_live(self) -> None:
        expect(self.page.locator("#state")).to_have_attribute("data-state", LIVE, timeout=PATIENCE * 2000)

    def wait_not_live(self) -> None:
        expect(self.page.locator("#state")).not_to_have_attribute("data-state", LIVE)

    def assert_clean(self) -> None:
        """Nothing was blocked by the content security policy, and nothing went wrong in the console."""
        assert self.page.evaluate("window.__violations") == []
        assert self.errors == []

    def shoot(self, name: str) -> None:
        if wanted := os.environ.get("CRIER_SHOTS"):
            directory = REPOSITORY / wanted
            directory.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(directory / f"{name}.png"), full_page=True, animations="disabled")


class CrierPage(Tab):
    """One tab with the front page, or a topic's."""

    def open(self) -> "CrierPage":
        """Loads the page and waits until it is connected: what is raised from then on it must show."""
        response = self.page.goto(self.url)
        assert response.status == 200
        self.wait_live()
        return self

    @property
    def transport(self) -> str:
        return self.page.locator("#transport").get_attribute("data-transport")

    @property
    def states(self) -> list[str]:
        return self.page.evaluate("window.__states")

    def raise_alert(self, message: str, topic: str | None = None) -> None:
        """Writes the message and presses the red button."""
        if topic is not None:
            self.page.locator("#topic").fill(topic)
        self.page.locator("#message").fill(message)
        self.page.locator("#raise").click()

    @property
    def feed(self) -> list[dict[str, str]]:
        """What the feed shows, oldest first."""
        items = self.page.evaluate(
            """[...document.querySelectorAll("#feed [data-id]")].map((item) => ({
                 id: item.dataset.id, topic: item.dataset.topic, text: item.querySelector(".text").textContent.trim(),
               }))"""
        )
        ids = [item["id"] for item in items]
        assert len(ids) == len(set(ids)), f"the feed shows an alert twice: {ids}"
        assert ids in (sorted(ids), sorted(ids, reverse=True)), f"the feed is out of order: {ids}"
        return sorted(items, key=lambda item: item["id"])

    @property
    def texts(self) -> list[str]:
        return [item["text"] for item in self.feed]

    def wait_for(self, *texts: str) -> None:
        """Until the feed ends with exactly these, in this order."""
        wait_until(lambda: self.texts[-len(texts) :] == list(texts), f"{texts} in the feed", PATIENCE * 2)


class RoomPage(Tab):
    """One tab with a room."""

    def enter(self, name: str) -> "RoomPage":
        """Goes to the room and, where the sign-in page stands before it, signs in. Returns once the room is live."""
        self.page.goto(self.url)
        self.page.wait_for_selector("#submit:enabled, #people .own")
        if "/login" in self.page.url:
            self.page.locator("#name").fill(name)
            self.page.locator("#submit").click()
            self.page.wait_for_url(self.url)
        self.wait_live()
        self.wait_for_person(name)
        return self

    def say(self, text: str) -> None:
        self.page.locator("#text").fill(text)
        self.page.locator("#text").press("Enter")

    @property
    def said(self) -> list[dict]:
        """The messages that are shown, in their order on the page. A confirmed one has its id, each id is there once, and ids grow."""
        items = self.page.evaluate(
            """[...document.querySelectorAll("#talk .said")].map((item) => ({
                 id: item.dataset.id ?? null, state: item.dataset.state, own: item.classList.contains("own"),
                 text: item.querySelector(".said-text").textContent, by: item.querySelector(".said-by b")?.textContent ?? null,
               }))"""
        )
        ids = [item["id"] for item in items if item["state"] == "sent"]
        assert ids == sorted(set(ids)), f"the room repeats a message, or has them out of order: {ids}"
        return items

    @property
    def texts(self) -> list[str]:
        return [item["text"] for item in self.said]

    def wait_for(self, *texts: str) -> None:
        """Until the room shows exactly these, in this order, all of them confirmed."""
        wait_until(
            lambda: [(item["text"], item["state"]) for item in self.said] == [(text, "sent") for text in texts],
            lambda: f"{texts} in the room, where there is {self.said}",
        )

    @property
    def lines(self) -> list[str]:
        """The quiet lines: who came and left."""
        return self.page.locator("#talk .aside").all_inner_texts()

    def wait_for_line(self, line: str) -> None:
        wait_until(lambda: line in self.lines, lambda: f"the line {line!r} among {self.lines}")

    @property
    def people(self) -> list[str]:
        return self.page.evaluate("[...document.querySelectorAll('#people .person')].map((item) => item.firstChild.textContent)")

    def wait_for_person(self, name: str) -> None:
        wait_until(lambda: name in self.people, lambda: f"{name} among {self.people}")
