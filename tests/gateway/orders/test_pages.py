"""Windows on a search over a provider's numbered pages: always the whole window, in one call wherever one can do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.orders.pages import PageWindow, ProviderPage

LIMIT = 100

WINDOWS = st.builds(PageWindow, offset=st.integers(0, 500), size=st.integers(1, 100))
LIMITS = st.integers(1, 120)


def asked(window: PageWindow, limit: int, total: int = 10_000) -> list[int]:
    """What a provider with `total` results 0, 1, 2, … gives for the window's pages."""
    pages = window.provider_pages(limit)
    everything = range(total)
    results = [each for page in pages for each in everything[page.offset : page.offset + page.size]]
    return list(window.cut(results, pages))


@given(WINDOWS, LIMITS, st.integers(0, 700))
def test_a_window_is_never_shortened(window: PageWindow, limit: int, total: int) -> None:
    """Whatever offset, size and limit: exactly the results that lie in the window."""
    assert asked(window, limit, total) == list(range(total))[window.offset : window.offset + window.size]


@given(WINDOWS, LIMITS)
def test_no_page_is_larger_than_the_provider_allows(window: PageWindow, limit: int) -> None:
    pages = window.provider_pages(limit)
    assert all(page.number >= 1 and 1 <= page.size <= limit for page in pages)
    assert len({page.size for page in pages}) == 1


@given(st.integers(0, 20), st.integers(1, LIMIT))
def test_a_window_at_a_multiple_of_its_size_is_one_call_of_that_size(pages_before: int, size: int) -> None:
    window = PageWindow(pages_before * size, size)
    assert window.provider_pages(LIMIT) == (ProviderPage(pages_before + 1, size),)


@given(WINDOWS)
def test_two_calls_at_most_and_only_where_no_single_page_holds_the_window(window: PageWindow) -> None:
    pages = window.provider_pages(LIMIT)
    fitting = [
        size
        for size in range(window.size, LIMIT + 1)
        if window.offset // size == (window.offset + window.size - 1) // size
    ]
    assert len(pages) == (1 if fitting else 2)
    assert pages[0].size == (min(fitting) if fitting else window.size)


@pytest.mark.parametrize(
    ("offset", "size", "pages"),
    [
        (0, 30, [(1, 30)]),
        (30, 30, [(2, 30)]),
        (10, 30, [(1, 40)]),  # begins beside a multiple: one larger page
        (50, 60, [(1, 60), (2, 60)]),  # no page of at most 100 holds 50 to 109
        (30, 100, [(1, 100), (2, 100)]),
    ],
)
def test_which_pages_are_asked(offset: int, size: int, pages: list[tuple[int, int]]) -> None:
    found = PageWindow(offset, size).provider_pages(LIMIT)
    assert [(page.number, page.size) for page in found] == pages
