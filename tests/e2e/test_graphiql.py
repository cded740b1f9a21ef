"""The GraphiQL page in a real browser, over the real gateway and the four simulated providers, without a network."""

from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLNamedType, build_schema
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visit, operation_name
from tests.e2e.examples import EXAMPLES, Example

SCHEMA = Path(__file__).parents[2] / "schema.graphql"

SETTLING_MS = 1_000
"""How long after a tab has opened GraphiQL may still send the operation name of the one before: it reads the name by a
timer of 100 ms of its own, which nothing on the page tells of. No person presses Run that soon."""


def test_every_example_is_a_tab_and_the_first_is_open(visit: Visit) -> None:
    """A visitor who comes for the first time finds the examples, in the order of their files."""
    tabs = visit.page.get_by_role("tab")
    expect(tabs).to_have_text([example.operation_name for example in EXAMPLES], use_inner_text=True)
    expect(tabs.first).to_have_attribute("aria-selected", "true")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.operation_name)
def test_an_example_runs_and_its_answer_shows(visit: Visit, example: Example) -> None:
    """The Run button sends the open example; its answer has data, no error, and is on the screen."""
    visit.page.get_by_role("tab").nth(EXAMPLES.index(example)).click()
    expect(_editor(visit.page)).to_contain_text(example.operation_name)
    visit.page.wait_for_timeout(SETTLING_MS)

    answer = _run(visit.page, example.operation_name)

    assert "errors" not in answer
    assert all(value is not None for value in answer["data"].values())
    expect(visit.page.locator(".graphiql-response .view-lines")).to_contain_text('"data"')


def test_the_docs_explain_a_type(visit: Visit) -> None:
    """The docs explorer opens and shows a type with the description that the published schema gives it."""
    visit.page.get_by_role("button", name="Show Documentation Explorer").click()
    docs = visit.page.locator(".graphiql-doc-explorer")
    docs.get_by_role("link", name="TrackingStatus", exact=True).click()

    expect(docs.locator(".graphiql-doc-explorer-title")).to_have_text("TrackingStatus")
    expect(docs.locator(".graphiql-markdown-description").first).to_have_text(_description_of("TrackingStatus"))


def test_the_editor_knows_the_schema(visit: Visit) -> None:
    """Fields are suggested while typing and unknown ones underlined: the workers run under the page's policy."""
    _editor(visit.page).locator(".view-line").filter(has_text="placedAt").click()
    visit.page.keyboard.press("End")
    visit.page.keyboard.press("Enter")
    visit.page.keyboard.type("estimated")
    expect(visit.page.locator(".suggest-widget")).to_contain_text("estimatedArrival")

    visit.page.keyboard.press("Escape")
    visit.page.keyboard.type("Nonsense ")
    expect(visit.page.locator(".graphiql-query-editor .squiggly-error")).to_be_visible()


def test_a_query_can_be_put_together_by_clicking(visit: Visit) -> None:
    """The explorer lists the fields of the schema beside the editor."""
    visit.page.get_by_role("button", name="Show GraphiQL Explorer").click()
    expect(visit.page.locator(".graphiql-plugin")).to_contain_text("deliveryStatus")


def _editor(page: Page) -> Any:
    return page.locator(".graphiql-query-editor .view-lines")


def _run(page: Page, name: str) -> dict[str, Any]:
    """Press Run and give back the gateway's answer, whole: the editor on the screen holds its visible lines only."""
    with page.expect_response(lambda response: operation_name(response) == name) as answered:
        page.get_by_role("button", name="Execute query").click()
    answer: dict[str, Any] = answered.value.json()
    return answer


def _description_of(type_name: str) -> str:
    described: GraphQLNamedType = build_schema(SCHEMA.read_text("utf-8")).type_map[type_name]
    assert described.description is not None
    return " ".join(described.description.replace("`", "").split())
