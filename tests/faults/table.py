"""Every fault that the gateway is driven through, as data: what a client sees of it and what it costs.

`docs/reliability.md` shows the same table; `test_reliability_page.py` compares the two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pytest

from gateway.resilience.settings import ResilienceSettings
from providers.errors import (
    InvalidProviderResponse,
    ProviderAuthFailed,
    ProviderConnectionFailed,
    ProviderError,
    ProviderRateLimited,
    ProviderServerFailed,
    ProviderTimeout,
    RequestRejected,
)
from providers.simulation.faults import Fault, FaultMode
from tests.faults.certificates import Certificate
from tests.faults.edits import (
    FAR_AHEAD,
    LONG_AGO,
    OPTIONAL,
    newest_in_phase,
    repeated,
    shuffled,
    with_events,
    with_members,
    with_nulls,
    with_one_dated,
    without,
)
from tests.faults.front import (
    Edit,
    dripped_headers,
    edited,
    endless_headers,
    gzip_bomb,
    huge_body,
    ok,
    redirect_here,
    saying,
)
from tests.faults.troubles import (
    PAYPAL,
    TOKENS,
    BadCertificate,
    OnTheWire,
    Place,
    Refused,
    Simulated,
    Trouble,
    UnknownHost,
)
from tests.scenarios.harness import Data

CALL_SECONDS = 1.0
QUERY_SECONDS = 2.0
"""`server.call_deadline_seconds` and `server.query_deadline_seconds` of the gateway that is driven."""

AT_ONCE = 1.0
"""Most that an answer takes for which nobody is waited for. It takes milliseconds; two busy cores make them more."""

AFTER_A_DEADLINE = 2.0
"""Most that an answer takes for which one call runs into its deadline."""


LASTING_QUERIES = 12
LASTING_RETRIES = 2
"""So many queries, of an order each, are sent at once while a fault lasts; at most a tenth, rounded up, is retried."""

COMPARED = 20
"""So many orders are held against what a gateway answers that has seen no outage."""

OUTAGE_QUERIES = 60
OUTAGE_CALLS = 90
RECOVERED_SECONDS = 35
"""So many queries at once while all providers are down make at most so many calls, and all works so long after it."""

TOKEN_QUERIES = 50
"""So many queries at once whose token ends under way."""


Shows = Callable[[Data, Data], bool]
"""Whether the second page is what is claimed of it; the first is the page when all is well."""


@dataclass(frozen=True, slots=True)
class Told:
    """An answer that can be told to a client: in words, and as a claim on the page."""

    words: str
    shows: Shows


@dataclass(frozen=True, slots=True)
class FaultRow:
    """One fault of Karla, met by a query that asks every provider, and what is claimed of it.

    `outcome` is what a client sees: the code of a failure, beside all that the others know, or what is told. `calls`
    are the attempts that the gateway makes, `arrives` whether they reach the provider as requests. The answer is there
    within `seconds`. `pause_seconds` is for how long the provider is left alone, or what it said is believed, by the
    injected clock.
    """

    fault: str
    trouble: Trouble
    outcome: type[ProviderError] | Told
    calls: int = 1
    seconds: float = AT_ONCE
    arrives: bool = True
    pause_seconds: float = 0

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The row as the documentation shows it."""
        return self.fault, self.seen, str(self.calls), f"{self.seconds:g} s"

    @property
    def failure(self) -> type[ProviderError] | None:
        return None if isinstance(self.outcome, Told) else self.outcome

    @property
    def seen(self) -> str:
        """What a client sees, in words."""
        if isinstance(self.outcome, Told):
            return self.outcome.words
        return f"`{self.outcome.code}`" + (", retryable" if self.outcome.retryable else "")


def _status(status: int, retry_after: str | None = None) -> Simulated:
    return Simulated(Fault(mode=FaultMode.STATUS, status=status, retry_after=retry_after))


def _mode(mode: FaultMode) -> Simulated:
    return Simulated(Fault(mode=mode))


def _told(fault: str, trouble: Trouble, words: str, shows: Shows) -> FaultRow:
    """A fault that is no failure: what was answered is believed until no copy of it is served any more."""
    return FaultRow(fault, trouble, Told(words, shows), pause_seconds=BELIEVED_SECONDS)


def _edited(fault: str, edit: Edit, words: str, shows: Shows) -> FaultRow:
    return _told(fault, OnTheWire(edited(edit)), words, shows)


BELIEVED_SECONDS = 10 * 86400
"""After so long no copy of an answer is served any more, whatever was in it."""

DEEP = b"[" * 100_000 + b"]" * 100_000

DEEP_BUNDLES = b'[{"order_number": "1", "products": ' + b'[{"bundled_products": ' * 5000 + b"[]" + b"}]" * 5000 + b"}]"


def _is_whole(whole: Data, page: Data) -> bool:
    return bool(page == whole)


def _lacks_details(whole: Data, page: Data) -> bool:
    return page == {**whole, "currency": None, "totalPrice": None, "products": None}


def _is_of_the_others(whole: Data, page: Data) -> bool:
    """Karla does not know the order: no parcel of hers, and nothing wrong."""
    return (page["currency"], page["carrier"], page["others"]) == (None, [], whole["others"])


def _is_of_unknown_status(whole: Data, page: Data) -> bool:
    parcel = whole["carrier"][0]
    return bool(page["carrier"] == [{**parcel, "status": "UNKNOWN", "providerStatus": UNHEARD_OF}])


def _is_dated(time: str, status: str | None, at: int) -> Shows:
    """One event more, at that place among the newest first; the parcel has `status`, or still its own."""

    def shows(whole: Data, page: Data) -> bool:
        dated = page["events"][at]
        rest = [event for event in page["events"] if event is not dated]
        stands = status or whole["carrier"][0]["status"]
        return (
            datetime.fromisoformat(dated["occurredAt"]) == datetime.fromisoformat(time)
            and rest == whole["events"]
            and [parcel["status"] for parcel in page["carrier"]] == [stands]
        )

    return shows


UNHEARD_OF = "teleported"

ANYWHERE: tuple[FaultRow, ...] = (
    FaultRow("400", _status(400), RequestRejected),
    FaultRow("401", _status(401), ProviderAuthFailed),
    FaultRow("403", _status(403), ProviderAuthFailed),
    _told("404", _status(404), "the others' part without an error: it is an answer", _is_of_the_others),
    FaultRow("409", _status(409), RequestRejected),
    FaultRow("422", _status(422), RequestRejected),
    FaultRow("429", _status(429), ProviderRateLimited),
    FaultRow("429 with `Retry-After: 7`", _status(429, "7"), ProviderRateLimited, pause_seconds=7),
    FaultRow("500", _status(500), ProviderServerFailed, 2),
    FaultRow("502", _status(502), ProviderServerFailed, 2),
    FaultRow("503", _status(503), ProviderServerFailed, 2),
    FaultRow("503 with `Retry-After: 7`", _status(503, "7"), ProviderServerFailed, pause_seconds=7),
    FaultRow("hangs before the headers", _mode(FaultMode.HANG), ProviderTimeout, seconds=AFTER_A_DEADLINE),
    FaultRow("headers drip", OnTheWire(dripped_headers), ProviderTimeout, seconds=AFTER_A_DEADLINE),
    FaultRow("body drips", _mode(FaultMode.DRIP), ProviderTimeout, seconds=AFTER_A_DEADLINE),
    FaultRow("body cut off", _mode(FaultMode.TRUNCATE), ProviderConnectionFailed, 2),
    FaultRow("empty body", _mode(FaultMode.EMPTY), InvalidProviderResponse),
    FaultRow("`null`", _mode(FaultMode.NULL), InvalidProviderResponse),
    FaultRow("HTML with 200", _mode(FaultMode.HTML), InvalidProviderResponse),
    _told(
        "JSON called `text/plain`",
        _mode(FaultMode.WRONG_CONTENT_TYPE),
        "everything: what counts is that it is JSON",
        _is_whole,
    ),
    FaultRow("noise with 200", _mode(FaultMode.GARBAGE), InvalidProviderResponse),
    FaultRow("noise instead of HTTP", OnTheWire(saying(bytes(range(256)) * 8)), ProviderConnectionFailed, 2),
    FaultRow("text that is not UTF-8", _mode(FaultMode.INVALID_UTF8), InvalidProviderResponse),
    FaultRow("body of 300 MB", OnTheWire(huge_body), InvalidProviderResponse),
    FaultRow("gzip bomb of 300 MB", OnTheWire(gzip_bomb), InvalidProviderResponse),
    FaultRow("headers without an end", OnTheWire(endless_headers), ProviderConnectionFailed, 2),
    FaultRow("lists 100,000 deep", OnTheWire(saying(ok(DEEP))), InvalidProviderResponse),
    FaultRow("bundles 5,000 deep", OnTheWire(saying(ok(DEEP_BUNDLES))), InvalidProviderResponse),
    FaultRow("connection closed", _mode(FaultMode.CLOSE), ProviderConnectionFailed, 2),
    FaultRow("connection reset", _mode(FaultMode.RESET), ProviderConnectionFailed, 2),
    FaultRow("connection refused", Refused(), ProviderConnectionFailed, 2, arrives=False),
    FaultRow("unknown host", UnknownHost(), ProviderConnectionFailed, 2, arrives=False),
    *(
        FaultRow(f"certificate: {kind}", BadCertificate(kind), ProviderConnectionFailed, 2, arrives=False)
        for kind in (Certificate.EXPIRED, Certificate.WRONG_HOST, Certificate.SELF_SIGNED)
    ),
    FaultRow("redirect", OnTheWire(redirect_here), InvalidProviderResponse),
)
"""The faults that any provider can have, in the order in which the documentation shows them."""

IN_WORDS: tuple[FaultRow, ...] = (
    _edited("members missing", without(*OPTIONAL), "null for them, the rest whole", _lacks_details),
    _edited("members null", with_nulls(*OPTIONAL), "null for them, the rest whole", _lacks_details),
    FaultRow(
        "members of another type",
        OnTheWire(edited(with_members(total_order_price={"amount": "much"}))),
        InvalidProviderResponse,
    ),
    _edited(
        "status that nobody knows",
        with_events(newest_in_phase(UNHEARD_OF)),
        "`UNKNOWN`, with the provider's word in `providerStatus`",
        _is_of_unknown_status,
    ),
    _edited("events three times each", with_events(repeated), "each event once", _is_whole),
    _edited("events shuffled", with_events(shuffled), "the events in the order of their times", _is_whole),
    _edited(
        "event of 2001 sent as the newest",
        with_events(with_one_dated(LONG_AGO, "late word")),
        "the event as the oldest; the status stays",
        _is_dated(LONG_AGO, None, -1),
    ),
    _edited(
        "event of the year 2999",
        with_events(with_one_dated(FAR_AHEAD, "early word")),
        "the event as the newest, and its status: times are the provider's word",
        _is_dated(FAR_AHEAD, "INFO_RECEIVED", 0),
    ),
)
"""The faults in what Karla says of orders."""

FAULTS = ANYWHERE + IN_WORDS

each_fault = pytest.mark.parametrize("row", FAULTS, ids=lambda row: row.fault)


@dataclass(frozen=True, slots=True)
class WriteRow:
    """What a write becomes that meets one of these faults of `FAULTS`. It is sent once, whatever happens."""

    sees: str
    faults: tuple[str, ...]

    @property
    def cells(self) -> tuple[str, str, str]:
        """The row as the documentation shows it."""
        return self.sees, ", ".join(self.faults), "1"


WRITES: tuple[WriteRow, ...] = (
    WriteRow("`PROVIDER_AUTH_FAILED`", ("401", "403")),
    WriteRow(
        "`PROVIDER_UNAVAILABLE`, retryable",
        (
            *("429", "429 with `Retry-After: 7`", "503", "503 with `Retry-After: 7`"),
            *("connection refused", "unknown host"),
            *("certificate: expired", "certificate: wrong host", "certificate: self-signed"),
        ),
    ),
    WriteRow(
        "`OUTCOME_UNKNOWN`",
        (
            *("500", "502", "hangs before the headers", "headers drip", "body cut off", "empty body", "HTML with 200"),
            *("noise with 200", "noise instead of HTTP", "text that is not UTF-8", "body of 300 MB"),
            *("gzip bomb of 300 MB", "headers without an end", "lists 100,000 deep", "bundles 5,000 deep"),
            *("connection closed", "connection reset", "redirect"),
        ),
    ),
)
"""What a write becomes: not taken, or perhaps done. The documentation shows it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What is otherwise where another than Karla has some faults: what a client sees, and the requests that arrive."""

    place: Place
    asked_by: str
    faults: tuple[str, ...]
    sees: str
    arrived: int = 1

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        """The row as the documentation shows it."""
        return self.place.name, self.asked_by, ", ".join(self.faults), self.sees, str(self.arrived)


QUERY = "a query"
WRITE = "a write"

DIFFERENCES: tuple[Difference, ...] = (
    Difference(PAYPAL, QUERY, ("401",), "`PROVIDER_AUTH_FAILED`", 2),
    Difference(PAYPAL, WRITE, ("401",), "`PROVIDER_AUTH_FAILED`", 2),
    Difference(TOKENS, QUERY, ("404",), "`PROVIDER_REJECTED`"),
    Difference(
        TOKENS,
        WRITE,
        (
            *("500", "502", "body cut off", "empty body", "HTML with 200", "noise with 200", "noise instead of HTTP"),
            *("text that is not UTF-8", "body of 300 MB", "gzip bomb of 300 MB", "headers without an end"),
            *("lists 100,000 deep", "bundles 5,000 deep", "connection closed", "connection reset", "redirect"),
        ),
        "`PROVIDER_UNAVAILABLE`, retryable",
    ),
)
"""All that differs where others have the faults of `ANYWHERE`: a token that PayPal refuses is renewed once, and where
no token is to be had, nothing was sent."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Many queries at once in a trouble that lasts: what clients see, calls made, and when all works again."""

    what: str
    sees: str
    calls: str
    works_again: str

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The row as the documentation shows it."""
        return self.what, self.sees, self.calls, self.works_again


SITUATIONS: tuple[Situation, ...] = (
    Situation(
        f"any fault above that counts against the provider, {LASTING_QUERIES} queries",
        "its code, then `PROVIDER_CIRCUIT_OPEN`; after a `Retry-After`, `PROVIDER_RATE_LIMITED`",
        f"at most {LASTING_QUERIES + LASTING_RETRIES}, and then none",
        f"{ResilienceSettings().circuit_open_seconds:g} s after it opened",
    ),
    Situation(
        f"all providers down (503, hanging or resetting), {OUTAGE_QUERIES} queries",
        "the codes of all; what the store holds is there",
        f"at most {OUTAGE_CALLS}, those for tokens included",
        f"within {RECOVERED_SECONDS} s",
    ),
    Situation(
        f"one of four down, {COMPARED} queries",
        "its code; the part of the other three is whole",
        f"one for each query to each of the others, at most {COMPARED + LASTING_RETRIES} to it",
        f"within {RECOVERED_SECONDS} s",
    ),
    Situation(
        f"PayPal's token ends under way, {TOKEN_QUERIES} queries",
        "everything",
        "one renewal; each call refused is made once more",
        "at once",
    ),
)
"""What is claimed of many queries; the documentation shows it."""
