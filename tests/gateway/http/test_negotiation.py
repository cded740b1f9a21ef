"""The media type of an answer follows the Accept header, weights and specificity included."""

from __future__ import annotations

import pytest

from gateway.http.negotiation import DATA_TYPES, GRAPHQL_RESPONSE, HTML, JSON, negotiate

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json", JSON),
        ("application/json; charset=utf-8", JSON),
        ('application/json; charset="UTF-8"', JSON),
        ("APPLICATION/JSON", JSON),
        ("application/graphql-response+json", GRAPHQL_RESPONSE),
        ("application/graphql-response+json; charset=utf-8, application/json; charset=utf-8", GRAPHQL_RESPONSE),
        ("application/json, application/graphql-response+json", GRAPHQL_RESPONSE),
        ("application/graphql-response+json, application/json;q=0.9", GRAPHQL_RESPONSE),
        ("application/graphql-response+json;q=0.5, application/json", JSON),
        ("application/graphql-response+json, */*", GRAPHQL_RESPONSE),
        ("application/json;q=0, */*", GRAPHQL_RESPONSE),
        ("application/json;q=0.2, */*;q=0.9", GRAPHQL_RESPONSE),
        ("text/plain, */*;q=0.1", JSON),
        ("text/html", None),
        ("application/json;q=0", None),
        ("*/*;q=0", None),
        ("application/json; charset=iso-8859-1", None),
        ("application/json;q=2", None),
        ("application/json;q=nan", None),
        ("application/json;q=high", None),
        ("json", None),
        (",,;", None),
    ],
)
def test_the_best_liked_data_type_is_chosen(accept: str | None, chosen: str | None) -> None:
    assert negotiate(accept) == chosen


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (BROWSER, HTML),
        ("text/html", HTML),
        ("*/*", JSON),
        (None, JSON),
        ("text/*", HTML),
        ("text/html, application/json", JSON),
        ("text/html;q=0.5, application/json", JSON),
    ],
)
def test_a_page_goes_only_to_those_who_like_it_best(accept: str | None, chosen: str) -> None:
    assert negotiate(accept, (*DATA_TYPES, HTML)) == chosen
