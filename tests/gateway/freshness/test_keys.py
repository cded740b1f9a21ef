"""Names: different things never share one."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.freshness.keys import LONGEST_READABLE, CacheKey, order_tag, reference_tag, shop_tag

# Digits, the marks that names are built with, and what has no UTF-8 form: the likeliest to cross.
TRICKY = st.text(alphabet=st.sampled_from(list("0123456789:,#a\n\u00e9\ud800")), max_size=12)
TEXT = st.text(max_size=300) | TRICKY
KEYS = st.builds(CacheKey, TEXT, TEXT, TEXT, TEXT)
TRICKY_KEYS = st.builds(CacheKey, TRICKY, TRICKY, TRICKY, TRICKY)


@given(TRICKY_KEYS | KEYS, TRICKY_KEYS | KEYS)
@example(CacheKey("a", "b", "c", "d"), CacheKey("a", "b", "c,1:d", ""))
@example(CacheKey("acme", "karla", "find", "x"), CacheKey("acme,5:karla", "", "find", "x"))
def test_different_keys_have_different_names(one: CacheKey, other: CacheKey) -> None:
    assert (one == other) == (one.text == other.text)


@given(KEYS)
def test_every_name_is_short_printable_ascii(key: CacheKey) -> None:
    assert len(key.text) <= LONGEST_READABLE
    assert key.text.isascii()
    assert key.text.isprintable()


@given(TRICKY, TRICKY, TRICKY, TRICKY)
def test_tags_of_different_orders_and_shops_differ(shop: str, number: str, shop2: str, number2: str) -> None:
    assert ((shop, number) == (shop2, number2)) == (order_tag(shop, number) == order_tag(shop2, number2))
    assert (shop == shop2) == (shop_tag(shop) == shop_tag(shop2))
    assert order_tag(shop, number) != shop_tag(shop2)


def test_an_ordinary_name_can_be_read() -> None:
    assert CacheKey("acme", "karla", "find_order", "4711").text == "4:acme,5:karla,10:find_order,4:4711,"


def test_a_reference_is_no_order_and_differs_by_provider_and_kind() -> None:
    tags = [
        reference_tag("acme", "karla", "order_number", "1"),
        reference_tag("acme", "karla", "external_id", "1"),
        reference_tag("acme", "acme", "order_number", "1"),
        reference_tag("other", "karla", "order_number", "1"),
        order_tag("acme", "1"),
    ]
    assert len(set(tags)) == len(tags)
