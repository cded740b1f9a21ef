"""Claims about answers that no documentation allows: recorded ones, spoilt at random.

Whatever a provider sends, an adapter answers a domain object or raises one `ProviderError`; what it answers survives
being cached, and the published schema can say all of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args, get_type_hints

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from gateway.schema.encoding import encode
from providers import models
from providers.base import Provider, ProviderContext
from providers.errors import InvalidProviderResponse, OrderNotFound, ProviderError
from providers.karla.wire import DEEPEST_BUNDLE
from providers.testing import Answer, ApiDouble, ContractCase, MemoryLedger, Operation
from providers.testing.cases import NOW
from providers.testing.contract import answer_codec
from tests.providers.contract_cases import CASES
from tests.providers.publishing import errors_of, said

Path = tuple[str | int, ...]

EXAMPLES = 60
"""For each operation and run: a search that goes on for as long as the suite is run. What it found once has a test of
its own below."""


class Raw(str):
    """JSON text that stands in a body as it is, whatever a JSON writer would say to it."""

    __slots__ = ()


NUMBERS = (
    *("true", "false", "0", "-1", "-0.0", "0.5", "1e22", "1e400", "-1e400", "1e-400", "NaN", "Infinity", "-Infinity"),
    *(str(2**31 - 1), str(2**31), str(-(2**31) - 1), str(2**63), str(10**30), "9" * 400, "9" * 5_000),
    *("90.5", "180.5", "-181", "1.7976931348623157e308"),
)
TEXTS = (
    *("", " ", "\u0000", "a\u0000b", "\u202e", "null", "true", "x" * 100_000, "{order_number}", "' OR 1=1 --"),
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-14:00"),
    *("2999-01-01T00:00:00Z", "2025-02-05T11:20:27", "2025-02-05T11:20:27+01:00:30", "2025-02-05T11:20:60Z"),
    *("2025-02-05T11:20:27.123456789-23:59", "2025-02-05T11:20:27-00:00", "2025-02-30T11:20:27Z", "2025-W06-3"),
    *("javascript:alert(1)", "https://[::1", "https://example.com:99999999/", "https://user:pass@example.com", "href6"),
    *("NaN", "1E+999999", "1e400", "-", "1_000", "٣", "00000000-0000-0000-0000-000000000000", "{urn:uuid:0}"),
)
NOTHINGS = ("null", "[]", "{}", "[[]]", "[null]", '{"": null}')
BROKEN_TEXTS = (r'"\ud800"', r'"\udc00\ud800"')
"""Lone surrogates: JSON can write them, and they are no characters."""

HOSTILE = st.sampled_from([*map(Raw, (*NUMBERS, *NOTHINGS, *BROKEN_TEXTS)), *TEXTS])
MUTATIONS = ("replace", "drop", "copy", "repeat", "wrap", "bury")


@dataclass(frozen=True)
class Mutation:
    """One thing done to a body. `place` and `other` are numbers of members, counted over and over."""

    kind: str
    place: int
    other: int
    value: object


MUTATION = st.builds(Mutation, st.sampled_from(MUTATIONS), st.integers(0, 10_000), st.integers(0, 10_000), HOSTILE)


def paths(body: Any, path: Path = ()) -> Iterator[Path]:
    """Where something stands in `body`, the whole of it included."""
    yield path
    members = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for name, value in members:
        yield from paths(value, (*path, name))


def at(body: Any, path: Path) -> Any:
    for name in path:
        body = body[name]
    return body


def mutated(body: Any, mutation: Mutation) -> Any:
    """`body` with one thing wrong."""
    places = list(paths(body))
    path = places[mutation.place % len(places)]
    there = at(body, path)
    match mutation.kind:
        case "drop" if path:
            return without(body, path)
        case "copy":
            return replaced(body, path, at(body, places[mutation.other % len(places)]))
        case "repeat":
            return replaced(body, path, there * 3 if isinstance(there, list | str) else [there, there])
        case "wrap":
            return replaced(body, path, {"id": there} if mutation.other % 2 else [there])
        case "bury":
            return replaced(body, path, buried(there, mutation.other % 120))
    return replaced(body, path, mutation.value)


def buried(value: Any, depth: int) -> Raw:
    """`value` inside bundles of bundles, down to where no parser follows. Raw, as no writer would follow either."""
    return Raw('{"title": "x", "price": 1, "bundled_products": [' * depth + written(value) + "]}" * depth)


def without(body: Any, path: Path) -> Any:
    name, *rest = path
    if rest:
        return replaced(body, (name,), without(body[name], tuple(rest)))
    if isinstance(body, dict):
        return {member: value for member, value in body.items() if member != name}
    return [value for index, value in enumerate(body) if index != name]


def replaced(body: Any, path: Path, value: Any) -> Any:
    """`body` with `value` at `path`, where an object may lack the last member."""
    if not path:
        return value
    name, *rest = path
    if isinstance(body, dict):
        return {**body, name: replaced(body.get(name), tuple(rest), value)}
    inner = replaced(body[name], tuple(rest), value)
    return [inner if index == name else each for index, each in enumerate(body)]


def written(body: Any) -> str:
    """`body` as JSON text, with what is raw in it as it is."""
    if isinstance(body, Raw):
        return str(body)
    if isinstance(body, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{written(value)}" for name, value in body.items()) + "}"
    if isinstance(body, list):
        return "[" + ",".join(written(each) for each in body) + "]"
    return json.dumps(body)


async def answer_to(case: ContractCase, operation: Operation, body: str | bytes) -> object:
    """What the adapter makes of `body` in place of what was recorded."""
    api = ApiDouble(operation.exchanges, None if case.token in operation.exchanges else case.token)
    api.failure = lambda _request, recorded: Answer(
        recorded.status, body if isinstance(body, bytes) else body.encode(), recorded.headers
    )
    async with httpx.AsyncClient(transport=api.transport, base_url=case.base_url) as client:
        context = ProviderContext(client=client, clock=lambda: NOW, ledger=MemoryLedger(case.ledger))
        adapter: Provider = case.spec.build(case.spec.settings.model_validate(case.settings), context)
        return await operation.call(adapter)


ASKING = [
    (provider, operation.name)
    for provider, case in CASES.items()
    for operation in case.operations
    if operation.exchanges
]


@pytest.mark.parametrize(("provider", "name"), ASKING)
@given(mutations=st.lists(MUTATION, min_size=1, max_size=4))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_a_spoilt_answer_is_a_domain_object_or_one_error(
    provider: str, name: str, mutations: Sequence[Mutation]
) -> None:
    case, operation = CASES[provider], CASES[provider].operation(name)
    recorded = operation.exchanges[-1].answer.body
    body: Any = json.loads(recorded) if recorded else None
    for mutation in mutations:
        body = mutated(body, mutation)
    try:
        answer = await answer_to(case, operation, written(body))
    except ProviderError:
        return
    assert_it_can_be_kept(operation, answer)
    assert_it_can_be_said(answer)


def assert_it_can_be_kept(operation: Operation, answer: object) -> None:
    """The answer survives being written to the cache and read again, offsets and all."""
    codec = answer_codec(operation.method)
    document = codec.dump_json(answer)
    kept = codec.validate_json(document)
    assert kept == answer
    assert codec.dump_json(kept) == document


def assert_it_can_be_said(answer: object) -> None:
    """The published schema has a word for every member of the answer, and JSON has one for each of those."""
    assert errors_of(answer) == []
    for result in said(answer):
        assert json.loads(encode({"data": result.data}))["data"]


async def answer_with(provider: str, name: str, path: Path, value: Any) -> Any:
    """What the operation answers when its recorded body has `value` at `path`."""
    case = CASES[provider]
    operation = case.operation(name)
    body = replaced(json.loads(operation.exchanges[-1].answer.body), path, value)
    return await answer_to(case, operation, written(body))


SAID = tuple((number, number) for number in (2**31 - 1, 0, -(2**31)))
NOT_SAID = tuple((number, None) for number in (2**31, -(2**31) - 1, 10**30))

WHOLE_NUMBERS = {
    ("karla", "find_order", (0, "products", 0, "quantity")): "products.0.quantity",
    ("karla", "find_order", (0, "expected_number_of_shipments")): "expected_shipments",
    ("hypertrack", "find_route", ("version",)): "version",
    ("hypertrack", "find_route", ("orders", 0, "type_index")): "stops.0.type_index",
    ("hypertrack", "find_route", ("orders", 0, "fulfillment_attempt")): "stops.0.fulfillment_attempt",
    ("hypertrack", "find_route", ("orders", 0, "expected_service_time")): "stops.0.expected_service_time_seconds",
    ("hypertrack", "find_route", ("orders", 0, "destination", "radius")): "stops.0.destination.radius_metres",
    ("hypertrack", "find_trackings", ("estimate", "duration")): "trackings.0.estimated_arrival.duration_seconds",
}
"""Where a provider's whole number stands, and where it is read again."""


def member(answer: BaseModel, path: str) -> object:
    value: Any = answer.model_dump()
    for name in path.split("."):
        value = value[int(name) if name.isdigit() else name]
    return value


@pytest.mark.parametrize("place", WHOLE_NUMBERS, ids=WHOLE_NUMBERS.values())
async def test_a_whole_number_of_more_than_32_bits_is_null_and_costs_nothing_else(place: tuple[str, str, Path]) -> None:
    """GraphQL's `Int` has 32 bits: the largest is said, and one more is null without an error, never clamped."""
    for number, expected in (*SAID, *NOT_SAID):
        answer = await answer_with(*place, number)
        assert member(answer, WHOLE_NUMBERS[place]) == expected
        assert_it_can_be_said(answer)


def test_no_domain_model_holds_a_whole_number_that_cannot_be_published() -> None:
    """Every one is a `Whole`; the store's own number of a tracker is part of an id and no `Int`."""
    domain = [each for each in vars(models).values() if isinstance(each, type) and issubclass(each, models.Domain)]
    other = {
        f"{model.__name__}.{name}"
        for model in domain
        for name, hint in get_type_hints(model, include_extras=True).items()
        if int in (hint, *get_args(hint)) and hint != models.Whole
    }
    assert other == {"InvoiceTracker.store_id"}


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "Infinity", "true", '"x"'])
@pytest.mark.parametrize(
    "place",
    [
        ("karla", "find_order", (0, "weight")),
        ("karla", "find_order", (0, "total_order_price")),
        ("karla", "find_order", (0, "expected_number_of_shipments")),
        ("hypertrack", "find_trackings", ("capacity_used",)),
        ("hypertrack", "find_trackings", ("type_index",)),
        ("hypertrack", "find_trackings", ("destination", "geometry", "coordinates", 0)),
    ],
    ids=lambda place: f"{place[0]}-{place[2][-1]}",
)
async def test_what_is_no_finite_number_is_not_read_as_one(place: tuple[str, str, Path], number: str) -> None:
    """A truth value is not 1, and infinity, which JSON cannot say, is not kept; the answer cannot be trusted."""
    with pytest.raises(InvalidProviderResponse) as caught:
        await answer_with(*place, Raw(number))
    assert caught.value.reason == "wrong_shape"


@pytest.mark.parametrize("analytics", ['{"a": NaN}', '{"a": [{"b": 1e999}]}'])
async def test_what_is_kept_as_free_json_is_json(analytics: str) -> None:
    with pytest.raises(InvalidProviderResponse):
        await answer_with("karla", "find_order", (0, "order_analytics"), Raw(analytics))


@pytest.mark.parametrize("depth", range(100))
async def test_a_bundle_of_any_depth_is_kept_or_refused(depth: int) -> None:
    """Nothing is written to the cache that is too deep to be read from it."""
    operation = CASES["karla"].operation("search_orders")
    try:
        answer = await answer_with("karla", "search_orders", (0, "products"), [buried({"title": "x"}, depth)])
    except InvalidProviderResponse:
        assert depth >= DEEPEST_BUNDLE
        return
    assert depth < DEEPEST_BUNDLE
    assert_it_can_be_kept(operation, answer)


@pytest.mark.parametrize(("latitude", "longitude"), [(90.1, 0), (0, -180.1), (1e300, 4.9)])
async def test_a_place_that_is_not_on_earth_is_no_place(latitude: float, longitude: float) -> None:
    """Coordinates out of range are null; the rest of the answer stands."""
    at_sea = {"latitude": latitude, "longitude": longitude, "city": "Wien"}
    order = await answer_with("karla", "find_order", (0, "trackings", 0, "events", 0, "location"), at_sea)
    place = order.trackings[0].events[0].location
    assert (place.latitude, place.longitude, place.city) == (None, None, "Wien")

    corners = [[4.9, 52.3], [5.0, 52.3], [longitude, latitude], [4.9, 52.3]]
    found = await answer_with("hypertrack", "find_trackings", ("polyline", "coordinates"), corners)
    assert len(found.trackings[0].path) == 3
    for geometry in ({"type": "Point", "coordinates": corners[2]}, {"type": "Polygon", "coordinates": [corners]}):
        found = await answer_with("hypertrack", "find_trackings", ("destination", "geometry"), geometry)
        destination = found.trackings[0].destination
        assert (destination.location, destination.area) == (None, None)
        assert destination.address


async def test_an_order_without_any_name_is_not_passed_on() -> None:
    """It could never be asked for again, and would have no id."""
    with pytest.raises(InvalidProviderResponse) as caught:
        await answer_with("karla", "search_orders", (), [{"weight": 1000}])
    assert caught.value.reason == "nameless_order"


async def test_paypals_answer_about_another_order_is_not_taken_for_this_one() -> None:
    with pytest.raises(OrderNotFound):
        await answer_with("paypal", "find_trackings", ("id",), "8AB12345CD678901E")


@pytest.mark.parametrize("upc", [{}, {"type": "UPC-A"}, {"code": "1234567"}, {"type": " ", "code": "1234567"}])
async def test_half_a_product_code_is_none_and_costs_nothing_else(upc: object) -> None:
    items = ("purchase_units", 0, "shipping", "trackers", 0, "items")
    found = await answer_with("paypal", "find_trackings", items, [{"name": "Mug", "upc": upc}])
    assert ("Mug", None) in [(item.name, item.upc) for tracker in found.trackings for item in tracker.items]


async def test_billinks_numbers_are_kept_whatever_their_size() -> None:
    """They are identifiers: no number is too large for one, and a blank names nothing."""
    tracker = await answer_with("billink", "register_tracker", ("id",), 10**40)
    assert tracker.tracker_id == str(10**40)
    tracker = await answer_with("billink", "register_tracker", ("carrier",), " ")
    assert tracker.carrier.name is None
    for blank in ("", " ", None, True):
        with pytest.raises(InvalidProviderResponse):
            await answer_with("billink", "register_tracker", ("id",), blank)
