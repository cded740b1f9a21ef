"""Claims about what the Karla adapter sends and what it makes of each answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import httpx
import pytest
from pydantic import JsonValue

from providers.base import OrderSource
from providers.errors import (
    AmbiguousReference,
    InvalidProviderResponse,
    OrderNotFound,
    ProviderAuthFailed,
    ProviderError,
    ProviderRateLimited,
    ProviderServerFailed,
    RequestRejected,
)
from providers.karla import KARLA
from providers.karla.adapter import FIND_PAGE_SIZE, PARAMETERS, KarlaAdapter
from providers.models import OrderSearch, Reference

UUID_OF_SAMPLE = "b4fadda9-61f4-4041-94d2-7a01ee0082b4"


def by(kind: str, value: str) -> Reference:
    return Reference(provider="karla", kind=kind, value=value)


def test_the_adapter_keeps_the_protocol_of_its_capability(adapter: KarlaAdapter) -> None:
    assert isinstance(adapter, OrderSource)
    assert adapter.profile is KARLA.profile


def test_the_secret_is_in_no_representation(adapter: KarlaAdapter) -> None:
    settings = KARLA.settings.model_validate({"slug": "acme", "api_key": "k3y"})
    assert "k3y" not in repr(settings) + str(settings) + repr(adapter) + repr(vars(adapter))


async def test_finding_an_order_is_one_small_search(adapter: KarlaAdapter, karla: Any, sample: Any) -> None:
    karla.body = sample("search_orders")
    await adapter.find_order(by("order_number", "1234"))
    (request,) = karla.requests
    assert request.method == "GET"
    assert str(request.url.copy_with(query=None)) == "https://api.gokarla.io/v1/shops/acme/orders"
    assert dict(request.url.params) == {"order_number": "1234", "page": "1", "per_page": "10"}
    assert request.headers["authorization"] == "Basic YWNtZTprM3k="  # acme:k3y


async def test_a_search_sends_every_filter_with_date_times_and_their_offset(adapter: KarlaAdapter, karla: Any) -> None:
    search = OrderSearch(
        email_id="a+b@example.com",
        external_id="x",
        order_name="#1 & co",
        order_number="1234",
        uuid=UUID(UUID_OF_SAMPLE),
        zip_code="10 001",
        placed_from=datetime(2025, 1, 1, tzinfo=UTC),
        placed_to=datetime(2025, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2))),
        shipment_updated_since=datetime(2025, 1, 3, microsecond=7, tzinfo=UTC),
    )
    assert await adapter.search_orders(search, 3, 100) == ()
    (request,) = karla.requests
    assert dict(request.url.params) == {
        "email_id": "a+b@example.com",
        "external_id": "x",
        "order_name": "#1 & co",
        "order_number": "1234",
        "uuid": UUID_OF_SAMPLE,
        "zip_code": "10 001",
        "order_placed_from": "2025-01-01T00:00:00+00:00",
        "order_placed_to": "2025-01-02T03:04:05+02:00",
        "shipment_updated_since": "2025-01-03T00:00:00.000007+00:00",
        "page": "3",
        "per_page": "100",
    }


def test_every_filter_of_a_search_has_its_parameter() -> None:
    assert PARAMETERS.keys() == OrderSearch.model_fields.keys()


async def test_a_filter_left_out_is_not_sent(adapter: KarlaAdapter, karla: Any) -> None:
    await adapter.search_orders(OrderSearch(), 1, 30)
    assert dict(karla.requests[0].url.params) == {"page": "1", "per_page": "30"}


@pytest.mark.parametrize("base_url", ["https://karla.test/base", "https://karla.test/base/"])
async def test_slug_and_user_name_are_escaped_and_a_trailing_slash_is_harmless(
    karla: Any, context_of: Any, base_url: str
) -> None:
    settings = KARLA.settings.model_validate({"slug": "a/b c", "username": "me", "api_key": "k", "base_url": base_url})
    async with httpx.AsyncClient(transport=httpx.MockTransport(karla.handle), base_url=base_url) as client:
        adapter = KARLA.build(settings, context_of(client))
        karla.answer({"slug": "a/b c"})
        await adapter.check()
    (request,) = karla.requests
    assert request.url.raw_path == b"/base/v1/shops/a%2Fb%20c"
    assert request.headers["authorization"] == "Basic bWU6aw=="  # me:k


@pytest.mark.parametrize(
    "settings",
    [
        {"slug": "acme"},
        {"slug": "", "api_key": "k"},
        {"slug": "acme", "api_key": ""},
        {"slug": "acme", "api_key": "k", "base_url": "ftp://api.gokarla.io"},
        {"slug": "acme", "api_key": "k", "base_url": "api.gokarla.io"},
        {"slug": "acme", "api_key": "k", "base_url": "https://user@api.gokarla.io"},
        {"slug": "acme", "api_key": "k", "base_url": "https://api.gokarla.io?x=1"},
        {"slug": "acme", "api_key": "k", "api_kee": "k"},
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        KARLA.settings.model_validate(settings)


def test_every_setting_is_described() -> None:
    assert all(field.description for field in KARLA.settings.model_fields.values())


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("order_number", "1234"),
        ("order_name", "IXF1234"),
        ("external_id", "string"),
        ("uuid", UUID_OF_SAMPLE),
        ("uuid", UUID_OF_SAMPLE.upper()),
    ],
)
async def test_an_order_is_found_by_each_of_its_names(
    adapter: KarlaAdapter, karla: Any, sample: Callable[[str], bytes], kind: str, value: str
) -> None:
    assert kind in KARLA.profile.finds_by
    karla.body = sample("search_orders")
    assert (await adapter.find_order(by(kind, value))).uuid == UUID(UUID_OF_SAMPLE)


@pytest.mark.parametrize("found", [[], [{"order_number": "1234-2"}], [{"order_number": "12345"}, {"order_number": ""}]])
async def test_no_exact_match_is_not_found(adapter: KarlaAdapter, karla: Any, found: JsonValue) -> None:
    karla.answer(found)
    with pytest.raises(OrderNotFound):
        await adapter.find_order(by("order_number", "1234"))


async def test_a_uuid_that_is_none_is_nobodys(adapter: KarlaAdapter, karla: Any) -> None:
    with pytest.raises(OrderNotFound):
        await adapter.find_order(by("uuid", "1234"))
    assert karla.requests == []


async def test_the_exact_match_is_kept_among_others(adapter: KarlaAdapter, karla: Any) -> None:
    karla.answer([{"order_number": "12345"}, {"order_number": "1234", "external_id": "e"}])
    assert (await adapter.find_order(by("order_number", "1234"))).external_id == "e"


async def test_several_exact_matches_are_ambiguous_and_told_apart_by_external_id(
    adapter: KarlaAdapter, karla: Any
) -> None:
    karla.answer([{"order_number": "1", "external_id": external_id} for external_id in ("a", "b", "")])
    with pytest.raises(AmbiguousReference) as caught:
        await adapter.find_order(by("order_number", "1"))
    assert caught.value.external_ids == ("a", "b")


async def test_a_page_full_of_other_orders_is_no_proof_of_absence(adapter: KarlaAdapter, karla: Any) -> None:
    karla.answer([{"order_number": f"other-{n}"} for n in range(FIND_PAGE_SIZE)])
    with pytest.raises(InvalidProviderResponse):
        await adapter.find_order(by("order_number", "1234"))


def error_body(key: str) -> JsonValue:
    return {"errors": [], "key": key, "message": "secret-text", "type": "invalid_request_error"}


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_a_key_that_ends_in_not_found_means_the_order(adapter: KarlaAdapter, karla: Any, status: int) -> None:
    """The reference lists no 404 for orders, the errors page does; the key decides."""
    karla.answer(error_body("order_not_found"), status)
    with pytest.raises(OrderNotFound):
        await adapter.find_order(by("order_number", "1234"))


@pytest.mark.parametrize("status", [400, 404, 422])
@pytest.mark.parametrize("key", ["shop_not_found", "shop_settings_not_found"])
async def test_an_unknown_shop_is_never_an_unknown_order(
    adapter: KarlaAdapter, karla: Any, status: int, key: str
) -> None:
    karla.answer(error_body(key), status)
    for ask in (
        adapter.find_order(by("order_number", "1")),
        adapter.search_orders(OrderSearch(), 1, 30),
        adapter.check(),
    ):
        with pytest.raises(RequestRejected) as caught:
            await ask
        assert caught.value.provider_code == key


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, error_body("zip_code_invalid"), RequestRejected),
        (400, "oops", RequestRejected),
        (401, error_body("order_not_found"), ProviderAuthFailed),
        (403, error_body("order_not_found"), ProviderAuthFailed),
        (404, "oops", OrderNotFound),
        (409, error_body("order_exists"), RequestRejected),
        (422, error_body("zip_code_invalid"), RequestRejected),
        (429, error_body("rate_limit_exceeded"), ProviderRateLimited),
        (500, error_body("order_not_found"), ProviderServerFailed),
        (503, "oops", ProviderServerFailed),
    ],
)
async def test_a_refusal_becomes_exactly_one_error(
    adapter: KarlaAdapter, karla: Any, status: int, body: JsonValue, expected: type[ProviderError]
) -> None:
    karla.answer(body, status)
    with pytest.raises(ProviderError) as caught:
        await adapter.find_order(by("order_number", "1234"))
    assert type(caught.value) is expected
    assert "secret-text" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (error_body("zip_code_invalid"), "zip_code_invalid"),
        (error_body("Not <b>a</b> key"), None),
        ({"detail": [{"loc": ["query", "page"], "msg": "no", "type": "int"}]}, None),
        ("oops", None),
    ],
)
async def test_a_rejection_hands_on_karlas_key_and_no_other_text(
    adapter: KarlaAdapter, karla: Any, body: JsonValue, code: str | None
) -> None:
    karla.answer(body, 422)
    with pytest.raises(RequestRejected) as caught:
        await adapter.find_order(by("order_number", "1234"))
    assert caught.value.provider_code == code


async def test_a_bare_404_of_a_search_or_check_is_a_wrong_address(adapter: KarlaAdapter, karla: Any) -> None:
    karla.answer("oops", 404)
    for ask in (adapter.search_orders(OrderSearch(), 1, 30), adapter.check()):
        with pytest.raises(RequestRejected):
            await ask


@pytest.mark.parametrize(
    "body",
    [
        b"null",
        b"{}",
        b'{"data": [], "metadata": {}}',
        b"",
        b"<html></html>",
        b'[{"order_number": "1"',
        b"[null]",
        b'[{"order_number": {"a": 1}}]',
        b'[{"total_order_price": "free"}]',
        b'[{"total_order_price": NaN}]',
        b'[{"total_order_price": "1E+999999"}]',
        b'[{"uuid": "not-a-uuid"}]',
        b'[{"trackings": [{"events": [{"phase": 7}]}]}]',
        b'[{"trackings": [{"id": "ee5c4b53-f661-455e-85d2-a7b7bcaf81bf"}, 5]}]',
        b'[{"products": ' + b'[{"bundled_products": ' * 300 + b"[]" + b"}]" * 300 + b"}]",
    ],
)
async def test_an_answer_that_cannot_be_read_whole_is_no_answer(adapter: KarlaAdapter, karla: Any, body: bytes) -> None:
    """Never "no orders", and never the order without the tracking or event that was not understood."""
    karla.body = body
    with pytest.raises(InvalidProviderResponse):
        await adapter.search_orders(OrderSearch(), 1, 30)
    with pytest.raises(InvalidProviderResponse):
        await adapter.find_order(by("order_number", "1"))


async def test_check_proves_the_credentials(adapter: KarlaAdapter, karla: Any) -> None:
    karla.answer({"slug": "acme"})
    assert await adapter.check() == "credentials accepted for shop acme"
    (request,) = karla.requests
    assert (request.method, request.url.path) == ("GET", "/v1/shops/acme")


async def test_check_takes_no_page_of_somebody_else_for_karla(adapter: KarlaAdapter, karla: Any) -> None:
    karla.body = b"<html>welcome</html>"
    with pytest.raises(InvalidProviderResponse):
        await adapter.check()
