"""Fixtures that all interop tests share."""

import os
import pathlib
import re
import shutil
import sys
import uuid

import pytest
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from crier_server import CrierServer  # noqa: E402


@pytest.fixture(scope="session")
def server():
    """One server for all tests that neither stop nor configure it. They keep apart by their topics."""
    crier = CrierServer()
    try:
        yield crier.start()
        crier.stop()
    finally:
        crier.discard()


@pytest.fixture
def own_server():
    """Starts servers for one test: `own_server("--flag", "value", KEY="value")`. Those still running at the end are stopped and judged."""
    servers = []

    def start(*flags: str, **environment: str | None) -> CrierServer:
        crier = CrierServer(*flags, **environment)
        servers.append(crier)
        return crier.start()

    try:
        yield start
        for crier in servers:
            crier.stop()
    finally:
        for crier in servers:
            crier.discard()


@pytest.fixture
def topic(request) -> str:
    """A topic that no other test uses."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", request.node.name).strip("-")
    return f"{name[:40]}-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def chromium():
    """The browser of one test file."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert path, "chromium is not installed (scripts/install-packages.sh test)"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture
def person(chromium):
    """A person with a browser profile of their own: `person()`, with options of Playwright's browser context."""
    contexts = []

    def arrive(**options):
        contexts.append(chromium.new_context(**options))
        return contexts[-1]

    yield arrive
    for context in contexts:
        context.close()
