"""A gateway started as a person starts it, and a browser beside it, both without any network but loopback."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect, sync_playwright

from tests.e2e.loopback import loopback_only

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
HOW_TO_GET_CHROMIUM = "Chromium is not installed; on Debian or Ubuntu: apt-get install chromium"
REQUIRED = "TRACKGRAPH_REQUIRE_BROWSER"

TRACKGRAPH = Path(sys.executable).with_name("trackgraph")

#: httpx waits 0.5 s, 1 s, 2 s, ... between attempts to connect: some 30 s in all for the gateway to come up.
CONNECT_ATTEMPTS = 7

STOP_SECONDS = 30

#: What holds where the namespace of `loopback_only` cannot be had: no name and no other address leads anywhere.
NO_NETWORK = (
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--disable-background-networking",
    "--disable-component-update",
)


@dataclass
class Visit:
    """A page that is open in the browser, with everything it said and asked so far."""

    page: Page
    origin: str
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext) -> None:
        """Write down every console message, uncaught error and request, those of workers included."""
        context.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        context.on("weberror", lambda error: self.said.append(f"uncaught: {error.error}"))
        context.on("request", lambda request: self.asked.append(request.url))

    def open(self) -> None:
        """Load the page and wait until it can be used: until its editors are there, Run does nothing."""
        with self.page.expect_response(lambda response: operation_name(response) == "IntrospectionQuery"):
            self.page.goto(f"{self.origin}/graphql")
        expect(self.page.locator(".graphiql-query-editor .view-lines")).to_contain_text("query ")
        expect(self.page.locator(".graphiql-response .view-lines")).to_be_attached()

    @property
    def asked_elsewhere(self) -> list[str]:
        """The requests that left the gateway; `data:` addresses are no requests."""
        return [url for url in self.asked if not url.startswith((self.origin + "/", "data:"))]


def operation_name(response: Response) -> str | None:
    """Which operation this answers; None for an answer that is not to a GraphQL request of the page."""
    sent = response.request.post_data
    return json.loads(sent).get("operationName") if sent else None


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium. Without one the test is skipped, or fails where the environment says it is required."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None and os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{HOW_TO_GET_CHROMIUM} ({REQUIRED} is set)")
    if path is None:
        pytest.skip(HOW_TO_GET_CHROMIUM)
    return path


@pytest.fixture(scope="module")
def network_cut_off() -> Iterator[bool]:
    """Whether the system itself keeps gateway and browser on loopback."""
    with loopback_only() as is_cut_off:
        yield is_cut_off


@pytest.fixture(scope="module")
def browser(chromium: str, network_cut_off: bool) -> Iterator[Browser]:
    """Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=() if network_cut_off else NO_NETWORK)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def gateway(
    browser: Browser,  # noqa: ARG001 - without one, or before the network is cut off, no gateway is started
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """The origin of `trackgraph dev`, started in an empty folder."""
    folder = tmp_path_factory.mktemp("gateway")
    port = _free_port()
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [TRACKGRAPH, "dev", "--port", str(port)], cwd=folder, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        origin = f"http://127.0.0.1:{port}"
        _wait_until_ready(origin, folder / "output.txt")
        yield origin
    finally:
        process.terminate()
        process.wait(timeout=STOP_SECONDS)


@pytest.fixture
def visit(browser: Browser, gateway: str) -> Iterator[Visit]:
    """The GraphiQL page as a new visitor sees it, ready for use.

    Whatever a test does with it, in the end the page must have asked nobody but the gateway and left the console empty:
    a breach of the page's policy is a message there.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    visit = Visit(context.new_page(), gateway)
    visit.watch(context)
    visit.open()
    yield visit
    context.close()
    assert visit.asked_elsewhere == []
    assert visit.said == []


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait_until_ready(origin: str, output: Path) -> None:
    with httpx.Client(transport=httpx.HTTPTransport(retries=CONNECT_ATTEMPTS)) as client:
        try:
            client.get(f"{origin}/readyz").raise_for_status()
        except httpx.HTTPError as error:
            pytest.fail(f"the gateway is not ready ({error}); it said:\n{output.read_text('utf-8')}")
