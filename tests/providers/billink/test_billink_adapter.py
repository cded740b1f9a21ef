"""Claims about registering trackers at Billink: once, stored before it is answered, and refused in our own terms."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import JsonValue

from providers.base import LEDGER_TEXT_LIMIT, REGISTRATION_TIME_LIMIT, ProviderContext
from providers.billink.adapter import BillinkAdapter
from providers.billink.settings import BillinkSettings
from providers.errors import (
    InvalidProviderResponse,
    OrderNotFound,
    OutcomeUnknown,
    ProviderAuthFailed,
    ProviderConnectionFailed,
    ProviderError,
    ProviderServerFailed,
    ProviderTimeout,
    RequestRejected,
    Violation,
    WriteInProgress,
)
from providers.models import InvoiceTracker, Reference
from providers.testing import FAULTS, Answer, ApiDouble, Exchange, MemoryLedger, SentRequest, load_sample, sample
from providers.testing.cases import NOW
from providers.testing.faults import Fault
from tests.providers.billink.contract_case import DRAFT, SAMPLES

CREATED = sample(SAMPLES / "created.json", status=201)
INVOICE = Reference(provider="billink", kind="invoice_number", value="1001")


@dataclass(frozen=True)
class Billink:
    """An adapter, the API it asks and the ledger it keeps."""

    adapter: BillinkAdapter
    api: ApiDouble
    ledger: MemoryLedger
    context: ProviderContext
    settings: BillinkSettings

    @property
    def sent(self) -> list[Any]:
        return [json.loads(request.content) for request in self.api.sent]

    def restarted(self) -> BillinkAdapter:
        """The adapter of another process over the same ledger."""
        return BillinkAdapter(self.settings, self.context)


@dataclass
class LedgerClock:
    """Stands still until it is moved."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> LedgerClock:
    return LedgerClock()


@asynccontextmanager
async def billink(
    answer: Answer = CREATED,
    *,
    time_limit: timedelta = REGISTRATION_TIME_LIMIT,
    clock: LedgerClock | None = None,
    **settings: object,
) -> AsyncIterator[Billink]:
    known = BillinkSettings.model_validate({"billink_id": "s3cret", "username": "acme", **settings})
    api = ApiDouble([Exchange(SentRequest("POST", known.path), answer)])
    ledger = MemoryLedger(clock=clock or LedgerClock())
    async with httpx.AsyncClient(transport=api.transport, base_url=known.base_url) as client:
        context = ProviderContext(client, lambda: NOW, ledger)
        yield Billink(BillinkAdapter(known, context, time_limit), api, ledger, context, known)


def answer(status: int, body: JsonValue) -> Answer:
    return Answer(status, json.dumps(body).encode())


async def test_a_tracker_is_stored_before_it_is_answered() -> None:
    async with billink() as it:
        tracker = await it.adapter.register_tracker(DRAFT)
        assert await it.ledger.find_by_invoice("1001") == (tracker,)
        assert (await it.adapter.find_trackings(INVOICE)).trackings == (tracker,)
    assert tracker.store_id == 1


async def test_the_same_draft_is_sent_once() -> None:
    """A tracker that is stored is answered without a call; blanks around a draft's words make no other draft of it."""
    async with billink() as it:
        first = await it.adapter.register_tracker(DRAFT)
        again = DRAFT.model_copy(update={"tracking_number": f" {DRAFT.tracking_number} ", "carrier_code": "POSTNL "})
        assert await it.adapter.register_tracker(again) == first
        assert len(it.sent) == 1


async def test_another_number_is_another_tracker() -> None:
    async with billink() as it:
        await it.adapter.register_tracker(DRAFT)
        await it.adapter.register_tracker(DRAFT.model_copy(update={"tracking_number": "3SOTHER"}))
        assert len(it.sent) == 2
        assert len((await it.adapter.find_trackings(INVOICE)).trackings) == 2


async def test_what_billink_accepted_is_stored_though_every_caller_has_gone() -> None:
    async with billink() as it:
        it.api.gate = asyncio.Event()
        callers = [asyncio.ensure_future(it.adapter.register_tracker(DRAFT)) for _ in range(3)]
        await it.api.arrived.wait()
        for caller in callers:
            caller.cancel()
        gone = await asyncio.gather(*callers, return_exceptions=True)
        assert [type(outcome) for outcome in gone] == [asyncio.CancelledError] * 3
        it.api.gate.set()
        stored = await it.adapter.register_tracker(DRAFT)
        assert await it.ledger.find_by_invoice("1001") == (stored,)
        assert len(it.sent) == 1


async def test_a_failure_is_shared_and_then_forgotten() -> None:
    """Callers at the same time get the one failure; the next draft is sent anew."""
    async with billink(answer(503, {})) as it:
        outcomes = await asyncio.gather(*(it.adapter.register_tracker(DRAFT) for _ in range(5)), return_exceptions=True)
        assert len({id(outcome) for outcome in outcomes}) == 1
        assert len(it.sent) == 1
        with pytest.raises(ProviderServerFailed):
            await it.adapter.register_tracker(DRAFT)
        assert len(it.sent) == 2


async def test_a_registration_that_stood_still_until_its_time_was_over_is_not_sent() -> None:
    async with billink(time_limit=timedelta()) as it:
        with pytest.raises(ProviderTimeout):
            await it.adapter.register_tracker(DRAFT)
        assert it.sent == []


async def test_a_registration_that_hangs_ends_as_a_time_out() -> None:
    """Its outcome is unknown; nothing is stored and nothing is sent again by itself."""
    async with billink(time_limit=timedelta(seconds=0.05)) as it:
        it.api.gate = asyncio.Event()
        with pytest.raises(ProviderTimeout):
            await it.adapter.register_tracker(DRAFT)
        assert await it.ledger.find_by_invoice("1001") == ()


NOTHING_CAME_OF_IT = frozenset(
    {
        *(f"status_{status}" for status in (400, 401, 403, 404, 409, 422, 429, 503)),
        *("status_429_in_seconds", "status_429_at_a_date", "html_400", "html_422", "html_503"),
        *("connection_refused", "connect_time_out"),
    }
)
"""The faults, by name, after which Billink surely made nothing: it refused, or never took the request."""


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_only_what_surely_came_to_nothing_is_sent_again(fault: Fault, clock: LedgerClock) -> None:
    """Anything else may have been done, and is not repeated however late, nor by another process."""
    async with billink(clock=clock) as it:
        it.api.failure = fault.failure
        with pytest.raises(ProviderError):
            await it.adapter.register_tracker(DRAFT)
        it.api.failure = None
        if fault.name in NOTHING_CAME_OF_IT:
            assert (await it.restarted().register_tracker(DRAFT)).store_id == 1
            return
        for adapter in (it.adapter, it.restarted()):
            with pytest.raises(WriteInProgress):
                await adapter.register_tracker(DRAFT)
        clock.now += REGISTRATION_TIME_LIMIT + timedelta(seconds=1)
        for adapter in (it.adapter, it.restarted()):
            with pytest.raises(OutcomeUnknown):
                await adapter.register_tracker(DRAFT)
        assert len(it.sent) == 1


async def test_while_one_process_sends_another_does_not(clock: LedgerClock) -> None:
    """It is told to look again, and finds the tracker then."""
    async with billink(clock=clock) as it:
        it.api.gate = asyncio.Event()
        first = asyncio.ensure_future(it.adapter.register_tracker(DRAFT))
        await it.api.arrived.wait()
        other = it.restarted()
        with pytest.raises(WriteInProgress):
            await other.register_tracker(DRAFT)
        it.api.gate.set()
        made = await first
        assert await other.register_tracker(DRAFT) == made
        assert len(it.sent) == 1


async def test_a_process_that_shuts_down_leaves_the_outcome_unknown() -> None:
    """What is under way is cancelled then, and Billink may have taken it."""
    async with billink() as it:
        it.api.gate = asyncio.Event()
        before = asyncio.all_tasks()
        caller = asyncio.ensure_future(it.adapter.register_tracker(DRAFT))
        await it.api.arrived.wait()
        under_way = asyncio.all_tasks() - before
        assert under_way > {caller}
        for task in under_way:
            task.cancel()
        await asyncio.wait(under_way)
        with pytest.raises(WriteInProgress):
            await it.restarted().register_tracker(DRAFT)


async def test_an_outcome_that_a_person_looked_up_can_be_sent_again(clock: LedgerClock) -> None:
    async with billink(clock=clock) as it:
        it.api.failure = lambda request, _: httpx.ReadError("", request=request)
        with pytest.raises(ProviderConnectionFailed):
            await it.adapter.register_tracker(DRAFT)
        it.api.failure = None
        named = ("1001", "POSTNL", DRAFT.tracking_number)
        await it.ledger.forget_attempt(*named)
        with pytest.raises(WriteInProgress):
            await it.adapter.register_tracker(DRAFT)
        clock.now += REGISTRATION_TIME_LIMIT + timedelta(seconds=1)
        await it.ledger.forget_attempt(*named)
        assert (await it.adapter.register_tracker(DRAFT)).store_id == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"tracking_number": "x" * (LEDGER_TEXT_LIMIT + 1)}, ("tracking_number",)),
        ({"tracking_number": "a\x00b"}, ("tracking_number",)),
        ({"carrier_code": "\ud800"}, ("carrier_code",)),
        (
            {"reference": INVOICE.model_copy(update={"value": "1" * (LEDGER_TEXT_LIMIT + 1)})},
            ("reference", "value"),
        ),
    ],
)
async def test_what_the_ledger_cannot_keep_is_not_sent(change: dict[str, object], field: tuple[str, ...]) -> None:
    async with billink() as it:
        with pytest.raises(RequestRejected) as refused:
            await it.adapter.register_tracker(DRAFT.model_copy(update=change))
        assert it.sent == []
    assert refused.value.violations == (Violation(field),)


async def test_the_longest_that_the_ledger_keeps_is_sent() -> None:
    async with billink() as it:
        longest = DRAFT.model_copy(update={"tracking_number": f" {'x' * LEDGER_TEXT_LIMIT} "})
        assert (await it.adapter.register_tracker(longest)).tracking_number == "x" * LEDGER_TEXT_LIMIT


@pytest.mark.parametrize("raised", [httpx.ReadTimeout, httpx.ReadError])
async def test_an_answer_that_does_not_come_is_not_asked_for_again(raised: type[httpx.TransportError]) -> None:
    async with billink() as it:
        it.api.failure = lambda request, _: raised("", request=request)
        with pytest.raises((ProviderTimeout, ProviderConnectionFailed)):
            await it.adapter.register_tracker(DRAFT)
        assert len(it.sent) == 1
        assert await it.ledger.find_by_invoice("1001") == ()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, {"result": "MSG", "code": "200"}),
        (200, {"result": "ERROR", "error": {"code": "704", "description": "x"}}),
        (200, load_sample(SAMPLES / "created.json")),
        (201, {"result": "MSG"}),
        (201, {"id": None}),
        (201, {"id": True}),
        (204, {}),
    ],
)
async def test_only_a_201_with_an_id_is_success(status: int, body: JsonValue) -> None:
    """Billink's older calls on the same host report failures with a status of 200."""
    async with billink(answer(status, body)) as it:
        with pytest.raises(InvalidProviderResponse):
            await it.adapter.register_tracker(DRAFT)
        assert await it.ledger.find_by_invoice("1001") == ()


async def test_violations_name_the_members_of_our_draft() -> None:
    members = {"type": "type", "content": "content"}
    async with billink(sample(SAMPLES / "violations.json", status=422), media_members=members) as it:
        with pytest.raises(RequestRejected) as refused:
            await it.adapter.register_tracker(DRAFT)
    assert refused.value.violations == (
        Violation(("carrier_code",), "de1e3db3-5ed4-4941-aae4-59f3667cc3a3"),
        Violation(("reference", "value"), "c1051bb4-d103-4f74-8988-acbcafc7fdc3"),
        Violation(("tracking_number",), "d94b19cc-114f-4f44-9cc4-4138e80a87b9"),
        Violation(("media", "0", "content"), None),
    )


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("media", ("media",)),
        ("media[3]", ("media", "3")),
        ("media[3].kind", ("media", "3", "type")),
        ("media[3].size", ("media", "3")),
        ("orderNumber", ()),
        ("", ()),
        (None, ()),
    ],
)
async def test_a_violation_elsewhere_names_as_much_as_is_known(path: str | None, field: tuple[str, ...]) -> None:
    refusal = answer(422, {"violations": [{"propertyPath": path, "message": "no", "code": "a b"}]})
    async with billink(refusal, media_members={"type": "kind", "content": "data"}) as it:
        with pytest.raises(RequestRejected) as refused:
            await it.adapter.register_tracker(DRAFT)
    assert refused.value.violations == (Violation(field, None),)


@pytest.mark.parametrize("body", [{}, {"violations": "many"}, {"violations": [1]}, [], "no", {"detail": "no"}])
async def test_a_refusal_that_cannot_be_read_is_still_a_refusal(body: JsonValue) -> None:
    async with billink(answer(422, body)) as it:
        with pytest.raises(RequestRejected) as refused:
            await it.adapter.register_tracker(DRAFT)
    assert refused.value.violations == ()


@pytest.mark.parametrize("member", ["billinkUsername", "billinkID"])
async def test_a_violation_of_the_credentials_is_about_who_calls(member: str) -> None:
    refusal = answer(422, {"violations": [{"propertyPath": "carrierCode"}, {"propertyPath": member}]})
    async with billink(refusal) as it:
        with pytest.raises(ProviderAuthFailed):
            await it.adapter.register_tracker(DRAFT)


async def test_the_inside_of_billinks_servers_is_never_told() -> None:
    async with billink(sample(SAMPLES / "forbidden.json", status=403)) as it:
        with pytest.raises(ProviderAuthFailed) as refused:
            await it.adapter.register_tracker(DRAFT)
    assert "ClientVoter" not in f"{refused.value!r} {vars(refused.value)}"


async def test_media_are_kept_and_sent_only_under_names_that_are_set() -> None:
    async with billink() as it:
        assert (await it.adapter.register_tracker(DRAFT)).media == DRAFT.media
        assert "media" not in it.sent[0]
    async with billink(media_members={"type": "mime", "content": "data"}) as it:
        await it.adapter.register_tracker(DRAFT)
        assert it.sent[0]["media"] == [{"mime": "image/png", "data": "aGVsbG8="}]


@pytest.mark.parametrize(
    ("codes", "echoed", "sent", "name"),
    [
        ({}, "POSTNL", "POSTNL", None),
        ({"POSTNL": "PNL"}, "PNL", "PNL", None),
        ({"postnl": "PNL"}, "PNL", "PNL", None),
        ({"POSTNL": "PNL"}, "PostNL B.V.", "PNL", "PostNL B.V."),
        ({"DHL": "POSTNL", "POSTNL": "PNL"}, "POSTNL", "POSTNL", None),
        ({}, None, "POSTNL", None),
    ],
)
async def test_a_carrier_is_called_as_billink_calls_it(
    codes: Mapping[str, str], echoed: str | None, sent: str, name: str | None
) -> None:
    """By the code that is sent, and a name if Billink has one. A word that is a code of Billink's stays as it is."""
    async with billink(answer(201, {"id": 1, "carrier": echoed}), carrier_codes=codes) as it:
        tracker = await it.adapter.register_tracker(DRAFT)
        assert it.sent[0]["carrierCode"] == sent
    assert tracker.carrier is not None
    assert (tracker.carrier.reference, tracker.carrier.name) == (sent, name)


@pytest.mark.parametrize("word", ["POSTNL", "postnl", " PostNL ", "PNL"])
async def test_one_carrier_in_other_words_is_one_tracker(word: str) -> None:
    """What is sent twice is what counts, and not how it was asked for."""
    async with billink(answer(201, {"id": 1}), carrier_codes={"postnl": "PNL"}) as it:
        made = await it.adapter.register_tracker(DRAFT)
        assert await it.adapter.register_tracker(DRAFT.model_copy(update={"carrier_code": word})) == made
        assert len(it.sent) == 1


@pytest.mark.parametrize("stated", ["2025-06-04 16:26:05", "04-06-2025", "", None])
async def test_a_time_without_a_zone_states_no_instant(stated: str | None) -> None:
    async with billink(answer(201, {"id": 1, "createdAt": stated, "updatedAt": stated})) as it:
        tracker = await it.adapter.register_tracker(DRAFT)
    assert (tracker.created_at, tracker.updated_at) == (None, None)


async def test_ids_are_text_however_large() -> None:
    async with billink(answer(201, {"id": 2**63, "orderId": "A-7"})) as it:
        tracker: InvoiceTracker = await it.adapter.register_tracker(DRAFT)
    assert (tracker.tracker_id, tracker.billink_order_id) == ("9223372036854775808", "A-7")


async def test_an_invoice_without_trackers_is_not_known() -> None:
    async with billink() as it:
        with pytest.raises(OrderNotFound):
            await it.adapter.find_trackings(INVOICE)
        assert it.sent == []


@pytest.mark.parametrize("path", ["v2/client/tracker", "//elsewhere.example/tracker", "/a b", ""])
def test_the_path_stays_on_billinks_host(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        BillinkSettings.model_validate({"billink_id": "x", "username": "acme", "path": path})
