"""The name of everything that is measured, traced or logged, with what it says; docs/metrics.md is written from it.

No label, attribute or field ever holds a secret, a URL, an address, a tracking number, a provider's text, or the text
or variables of a query. What a label can be is bounded: by the settings, the code, or `gateway.telemetry.clients`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal


class Kind(StrEnum):
    """What a figure does: a counter grows, a gauge goes up and down, a histogram counts by size."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Label(StrEnum):
    """What the figures are told apart by."""

    ROUTE = "route"
    STATUS = "status"
    CLIENT = "client"
    VERSION = "version"
    TYPE = "type"
    OUTCOME = "outcome"
    CODE = "code"
    SHOP = "shop"
    PROVIDER = "provider"
    OPERATION = "operation"
    RESULT = "result"
    STATE = "state"


LABELS: Final[dict[Label, str]] = {
    Label.ROUTE: "an address that the gateway serves, such as `/graphql`; `other` for every other one",
    Label.STATUS: "HTTP status; `none` when the client had gone before there was one",
    Label.CLIENT: "name that a client gives itself, if `server.clients` has it; else `other`, or `none` without a name",
    Label.VERSION: "version that such a client gives itself; `other` from the 21st of a client on, `none` without one. "
    "Of `trackgraph_build_info`, the gateway's own",
    Label.TYPE: "`query`, `mutation` or `subscription`; `none` for a request that was refused before one was chosen",
    Label.OUTCOME: "how it ended: `ok`, or an error code of [errors.md](errors.md), or what the description names",
    Label.CODE: "an error code of [errors.md](errors.md)",
    Label.SHOP: "the shop's slug in the settings",
    Label.PROVIDER: "the provider's name",
    Label.OPERATION: "what the provider was asked for, such as `find_order`",
    Label.RESULT: "`HIT`, `STALE`, `MISS` or `BYPASS`, as in `sources`",
    Label.STATE: "`PENDING`, `REFUSED` or `UNKNOWN`",
}

Workers = Literal["sum", "latest", "highest"]
"""How the gauges of several workers become one figure."""

QUICK: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 8.0, 10.0)
"""Seconds, for what has to be over within `server.query_deadline_seconds` (8 by default)."""

AGES: Final = (1.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 6 * 3600.0, 24 * 3600.0, 7 * 24 * 3600.0)
"""Seconds, for copies: from one that was just taken to one that is served because a provider is down for days."""

LAGS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
"""Seconds; nothing may keep the event loop for more than 0.2."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure. `buckets` belong to histograms, in seconds; `workers` to gauges."""

    name: str
    kind: Kind
    description: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()
    workers: Workers = "sum"

    @property
    def samples(self) -> frozenset[str]:
        """The names of its time series, as a query of Prometheus writes them."""
        if self.kind is Kind.HISTOGRAM:
            return frozenset(f"{self.name}_{part}" for part in ("bucket", "count", "sum"))
        return frozenset({self.name})


HTTP_REQUESTS = Metric(
    "trackgraph_http_requests_total", Kind.COUNTER, "HTTP requests that were answered.", (Label.ROUTE, Label.STATUS)
)
HTTP_DURATION = Metric(
    "trackgraph_http_request_duration_seconds",
    Kind.HISTOGRAM,
    "Time from the head of a request to the last byte of its answer.",
    (Label.ROUTE,),
    buckets=QUICK,
)
HTTP_IN_FLIGHT = Metric("trackgraph_http_requests_in_flight", Kind.GAUGE, "HTTP requests that are being answered.")
HTTP_SHED = Metric(
    "trackgraph_http_requests_shed_total",
    Kind.COUNTER,
    "Requests that were refused with 503 because `server.max_in_flight` others were being answered.",
)
HTTP_RATE_LIMITED = Metric(
    "trackgraph_http_requests_rate_limited_total",
    Kind.COUNTER,
    "Requests that were refused with 429 because their sender had sent more than `rate_limits` allow.",
)
CLIENT_REQUESTS = Metric(
    "trackgraph_client_requests_total",
    Kind.COUNTER,
    "Requests to `/graphql`, by the client that sent them.",
    (Label.CLIENT, Label.VERSION),
)
OPERATIONS = Metric(
    "trackgraph_operations_total",
    Kind.COUNTER,
    "GraphQL operations. `outcome` is `ok`, `errors` (some of the answer is missing) or `refused` (nothing was run).",
    (Label.TYPE, Label.OUTCOME),
)
OPERATION_DURATION = Metric(
    "trackgraph_operation_duration_seconds",
    Kind.HISTOGRAM,
    "Time that a GraphQL operation took, parsing and validation included.",
    (Label.TYPE,),
    buckets=QUICK,
)
ERRORS = Metric(
    "trackgraph_errors_total",
    Kind.COUNTER,
    "Errors that clients were told, one for each entry in `errors`.",
    (Label.CODE,),
)
PROVIDER_CALLS = Metric(
    "trackgraph_provider_calls_total",
    Kind.COUNTER,
    "Calls to providers, each with all its attempts. Those that the gateway held back are among them, with the code "
    "that says why; `cancelled` when nobody waited any longer, `defect` for a fault of the gateway's own.",
    (Label.SHOP, Label.PROVIDER, Label.OPERATION, Label.OUTCOME),
)
PROVIDER_CALL_DURATION = Metric(
    "trackgraph_provider_call_duration_seconds",
    Kind.HISTOGRAM,
    "Time that a call took, waiting for its turn and further attempts included.",
    (Label.PROVIDER, Label.OPERATION),
    buckets=QUICK,
)
PROVIDER_ATTEMPT_DURATION = Metric(
    "trackgraph_provider_attempt_duration_seconds",
    Kind.HISTOGRAM,
    "Time that one attempt of a call took: what the provider needed to answer. Its count is that of attempts made.",
    (Label.PROVIDER, Label.OPERATION),
    buckets=QUICK,
)
PROVIDER_CIRCUIT_OPEN = Metric(
    "trackgraph_provider_circuit_open",
    Kind.GAUGE,
    "Workers whose circuit breaker holds calls to this account back; 0 when none does.",
    (Label.SHOP, Label.PROVIDER),
)
PROVIDER_UNKNOWN_WORDS = Metric(
    "trackgraph_provider_unknown_words_total",
    Kind.COUNTER,
    "Readings of a status word that no table knows, shown to clients as UNKNOWN.",
    (Label.PROVIDER,),
)
CACHE_LOADS = Metric(
    "trackgraph_cache_loads_total",
    Kind.COUNTER,
    "Answers of providers that were looked up in the cache.",
    (Label.PROVIDER, Label.OPERATION, Label.RESULT),
)
CACHE_AGE = Metric(
    "trackgraph_cache_age_seconds",
    Kind.HISTOGRAM,
    "Age of the copies that were served.",
    (Label.RESULT,),
    buckets=AGES,
)
CACHE_CIRCUIT_OPEN = Metric(
    "trackgraph_cache_circuit_open",
    Kind.GAUGE,
    "Workers that go on without the shared cache because it did not answer; 0 when none does.",
)
CACHE_FAILURES = Metric(
    "trackgraph_cache_failures_total", Kind.COUNTER, "Times that the shared cache was given up until it answers again."
)
REGISTRATION_ATTEMPTS = Metric(
    "trackgraph_registration_attempts_total",
    Kind.COUNTER,
    "Attempts at telling a provider of a registered shipment; `outcome` is the state that the step was left in, `DONE` "
    "included.",
    (Label.PROVIDER, Label.OUTCOME),
)
REGISTRATION_STEPS = Metric(
    "trackgraph_registration_steps",
    Kind.GAUGE,
    "Steps of registrations in the store that are not done, read when the metrics are.",
    (Label.PROVIDER, Label.STATE),
    workers="latest",
)
REGISTRATION_OLDEST_DUE = Metric(
    "trackgraph_registration_oldest_due_seconds",
    Kind.GAUGE,
    "For how long the longest-waiting step has been due without a worker taking it: the lag of the workers. 0 when "
    "none is due.",
    (Label.PROVIDER,),
    workers="latest",
)
STORE_UP = Metric(
    "trackgraph_store_up",
    Kind.GAUGE,
    "1 when the store could be read the last time that the metrics were, else 0. The figures of registrations are "
    "those of the last time that it could.",
    workers="latest",
)
EVENT_LOOP_LAG = Metric(
    "trackgraph_event_loop_lag_seconds",
    Kind.HISTOGRAM,
    "By how much a worker's event loop was late, looked at once a second.",
    buckets=LAGS,
)
BUILD_INFO = Metric(
    "trackgraph_build_info", Kind.GAUGE, "1, with the gateway's own version.", (Label.VERSION,), workers="highest"
)

METRICS: Final[tuple[Metric, ...]] = tuple(value for value in tuple(globals().values()) if isinstance(value, Metric))
"""Every metric, in the order of this file."""


class Span(StrEnum):
    """A span of a trace."""

    REQUEST = "http.request"
    OPERATION = "graphql.operation"
    CACHE = "cached.load"
    CALL = "provider.call"
    ATTEMPT = "provider.attempt"


class Attribute(StrEnum):
    """An attribute of a span. Names with a dot are those of OpenTelemetry's semantic conventions, where it has one."""

    METHOD = "http.request.method"
    ROUTE = "http.route"
    STATUS = "http.response.status_code"
    REQUEST_ID = "trackgraph.request_id"
    CLIENT = "trackgraph.client.name"
    CLIENT_VERSION = "trackgraph.client.version"
    TYPE = "graphql.operation.type"
    SHOP = "trackgraph.shop"
    PROVIDER = "trackgraph.provider"
    OPERATION = "trackgraph.provider.operation"
    RESULT = "trackgraph.cache.result"
    ERROR = "error.type"


@dataclass(frozen=True, slots=True)
class SpanDoc:
    """What a span covers, and its attributes. A span that failed has `error.type` as well."""

    description: str
    attributes: tuple[Attribute, ...]


_ACCOUNT: Final = (Attribute.SHOP, Attribute.PROVIDER, Attribute.OPERATION)

SPANS: Final[dict[Span, SpanDoc]] = {
    Span.REQUEST: SpanDoc(
        "An HTTP request, until the last byte of its answer. Continues the trace of a `traceparent` header.",
        (
            Attribute.METHOD,
            Attribute.ROUTE,
            Attribute.STATUS,
            Attribute.REQUEST_ID,
            Attribute.CLIENT,
            Attribute.CLIENT_VERSION,
        ),
    ),
    Span.OPERATION: SpanDoc("A GraphQL operation, parsing and validation included.", (Attribute.TYPE,)),
    Span.CACHE: SpanDoc("A look-up in the cache, with the call that it led to.", (*_ACCOUNT, Attribute.RESULT)),
    Span.CALL: SpanDoc("A call to a provider with all its attempts; a refresh may outlive the request.", _ACCOUNT),
    Span.ATTEMPT: SpanDoc("One attempt of a call.", _ACCOUNT),
}


class LogField(StrEnum):
    """A member of a line of the log in JSON."""

    TIME = "time"
    LEVEL = "level"
    LOGGER = "logger"
    MESSAGE = "message"
    REQUEST_ID = "request_id"
    TRACE_ID = "trace_id"
    SPAN_ID = "span_id"
    CLIENT = "client"
    CLIENT_VERSION = "client_version"
    ERROR = "error"


LOG_FIELDS: Final[dict[LogField, str]] = {
    LogField.TIME: "When, in UTC, to the millisecond (RFC 3339).",
    LogField.LEVEL: "`DEBUG`, `INFO`, `WARNING` or `ERROR`.",
    LogField.LOGGER: "The part of the program that speaks.",
    LogField.MESSAGE: "What happened, on one line.",
    LogField.REQUEST_ID: "The request that was being answered: `X-Request-Id` of its answer. Left out outside of one.",
    LogField.TRACE_ID: "The trace, with tracing on.",
    LogField.SPAN_ID: "The span, with tracing on.",
    LogField.CLIENT: "The client, as in the metrics. Left out outside of a request.",
    LogField.CLIENT_VERSION: "Its version, as in the metrics.",
    LogField.ERROR: "What failed: the class of the error and where it was raised, and what caused it. Never its text.",
}
