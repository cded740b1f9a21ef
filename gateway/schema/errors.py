"""What a client may be told when something goes wrong: the codes, and the error that resolvers raise on purpose.

`ErrorCode` is the one table of the gateway's own codes; `docs/errors.md` shows it and a test compares the two. The
codes of provider failures stand with their classes in `providers/errors.py`. This module knows nothing of HTTP or of
the way a request is executed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Self


class ErrorCode(StrEnum):
    """The code of every error that is the gateway's own: `extensions.code` in `errors`, `code` in `userErrors`.

    Each member is its name, what it means, what the client does about it, and whether the same request may succeed
    later (`retryable`). A code that was published is never renamed.
    """

    meaning: str
    remedy: str
    retryable: bool

    def __new__(cls, code: str, meaning: str, remedy: str, retryable: bool = False) -> Self:
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        member.remedy = remedy
        member.retryable = retryable
        return member

    BAD_REQUEST = (
        "BAD_REQUEST",
        "The HTTP request is not a GraphQL request: broken JSON or UTF-8, a missing or mistyped member, a batch.",
        "Mend the request; the message names the member.",
    )
    NOT_FOUND = ("NOT_FOUND", "Nothing is served at this address.", "Use `/graphql`, without a slash at its end.")
    METHOD_NOT_ALLOWED = (
        "METHOD_NOT_ALLOWED",
        "The address does not take this HTTP method.",
        "Use a method named in the `Allow` header.",
    )
    QUERY_REQUIRED = (
        "QUERY_REQUIRED",
        "A mutation was sent by GET, which runs queries only.",
        "Send it by POST.",
    )
    NOT_ACCEPTABLE = (
        "NOT_ACCEPTABLE",
        "The `Accept` header rules out every media type on offer.",
        "Accept `application/graphql-response+json` or `application/json`.",
    )
    UNAUTHENTICATED = (
        "UNAUTHENTICATED",
        "The request carries no bearer token, or one that is unknown, expired, revoked or meant for somebody else.",
        "Send `Authorization: Bearer …` with an API key, a JWT or an order token that is good.",
    )
    AUTHENTICATION_UNAVAILABLE = (
        "AUTHENTICATION_UNAVAILABLE",
        "Whether the token is good cannot be told now: the keys to check it with cannot be had.",
        "Send the same again in a few seconds.",
        True,
    )
    FORBIDDEN = (
        "FORBIDDEN",
        "The caller may not do this: `extensions.scope` is what it takes. An order token reads its one order alone.",
        "Use a token with the scope, or leave the field out.",
    )
    UNSUPPORTED_MEDIA_TYPE = (
        "UNSUPPORTED_MEDIA_TYPE",
        "The body of a POST is not declared as uncompressed `application/json` in UTF-8.",
        "Send `Content-Type: application/json`.",
    )
    PAYLOAD_TOO_LARGE = (
        "PAYLOAD_TOO_LARGE",
        "The body is larger than `server.max_body_bytes`.",
        "Send less: ask for fewer things at once, or pass values as variables.",
    )
    HEADERS_TOO_LARGE = (
        "HEADERS_TOO_LARGE",
        "The request's address and headers are longer than 64 KiB together, or the headers more than 200.",
        "Send fewer headers; send a long document by POST.",
    )
    REQUEST_TIMEOUT = (
        "REQUEST_TIMEOUT",
        "The request did not arrive in time: its headers within 10 s, its body within `server.body_seconds`.",
        "Send it again, without a pause in it.",
        True,
    )
    HOST_NOT_ALLOWED = (
        "HOST_NOT_ALLOWED",
        "The gateway does not answer to the name in the `Host` header.",
        "Use a name that it answers to, or have this one added to `server.hosts`.",
    )
    ORIGIN_NOT_ALLOWED = (
        "ORIGIN_NOT_ALLOWED",
        "A browser asked whether a page of another origin may send this request, and it may not (CORS).",
        "Have the origin added to `cors.allow_origins`; send only the methods and headers that the preflight allows.",
    )
    RATE_LIMITED = (
        "RATE_LIMITED",
        "The caller has sent more requests than `rate_limits` allow; nothing was run. (A provider's own limit is "
        "`PROVIDER_RATE_LIMITED`.)",
        "Send the same again after the seconds that `Retry-After` says.",
        True,
    )
    OVERLOADED = (
        "OVERLOADED",
        "The gateway has more requests in flight than it takes at once; nothing was run.",
        "Send the same again after the seconds that `Retry-After` says.",
        True,
    )
    SHUTTING_DOWN = (
        "SHUTTING_DOWN",
        "The gateway is being stopped and takes nothing new; nothing was run.",
        "Send the same again, on a new connection.",
        True,
    )
    INTERRUPTED = (
        "INTERRUPTED",
        "The gateway was stopped before the request came to its end.",
        "Send a query again. Of a mutation, look whether it was done, or send it again with its `idempotencyKey`.",
    )
    PERSISTED_QUERY_NOT_FOUND = (
        "PERSISTED_QUERY_NOT_FOUND",
        "The gateway has no document of this hash or id.",
        "Send the document's text along with its hash; Apollo's clients do so by themselves.",
    )
    PERSISTED_QUERY_NOT_SUPPORTED = (
        "PERSISTED_QUERY_NOT_SUPPORTED",
        "The gateway does not keep documents that clients send (`documents.automatic` is off).",
        "Send the document's text without a hash; Apollo's clients do so by themselves.",
    )
    DOCUMENT_NOT_TRUSTED = (
        "DOCUMENT_NOT_TRUSTED",
        "The gateway runs only the documents of its manifest (`documents.only_trusted`), and this is none of them.",
        "Have the document added to the manifest, or send one that is in it, unchanged.",
    )
    GRAPHQL_PARSE_FAILED = (
        "GRAPHQL_PARSE_FAILED",
        "The document is not GraphQL, or is nested deeper or has more comments than the gateway takes.",
        "Mend the document at the place in `locations`.",
    )
    QUERY_LIMIT_EXCEEDED = (
        "QUERY_LIMIT_EXCEEDED",
        "The operation asks for more than one request may; nothing was run. `extensions` say which `limit`, what is "
        "`allowed` and what was `found`.",
        "Ask for less at once; the message says how.",
    )
    GRAPHQL_VALIDATION_FAILED = (
        "GRAPHQL_VALIDATION_FAILED",
        "The document does not fit the schema: an unknown field, a missing argument, a value of the wrong type.",
        "Compare the document with `schema.graphql`. At most 5 errors are told at once.",
    )
    INTROSPECTION_DISABLED = (
        "INTROSPECTION_DISABLED",
        "The document asks for `__schema` or `__type`, which a gateway in production does not answer.",
        "Read `schema.graphql`. `__typename` always works.",
    )
    OPERATION_NAME_REQUIRED = (
        "OPERATION_NAME_REQUIRED",
        "The document holds several operations and `operationName` picks none.",
        "Name one of them in `operationName`.",
    )
    OPERATION_NOT_FOUND = (
        "OPERATION_NOT_FOUND",
        "The document holds no operation, or none of the name in `operationName`.",
        "Name an operation of the document.",
    )
    BAD_USER_INPUT = (
        "BAD_USER_INPUT",
        "A variable or an argument has a value that its type or its rules do not allow.",
        "Mend the value; the message names it.",
    )
    BAD_ID = ("BAD_ID", "An `id` was not made by this gateway.", "Use an `id` from an earlier answer, unchanged.")
    BAD_CURSOR = (
        "BAD_CURSOR",
        "A cursor was not made by this gateway, or belongs to another filter.",
        "Start again without `after`.",
    )
    SHOP_REQUIRED = (
        "SHOP_REQUIRED",
        "The gateway serves several shops and `shop` was left out.",
        "Pass one of the shops in `extensions.shops`.",
    )
    UNKNOWN_SHOP = ("UNKNOWN_SHOP", "No shop has this slug.", "Pass a slug from the gateway's settings.")
    UNKNOWN_PROVIDER = (
        "UNKNOWN_PROVIDER",
        "No provider has this slug.",
        "Pass a `name` that the field `providers` answers.",
    )
    KEY_NOT_SUPPORTED = (
        "KEY_NOT_SUPPORTED",
        "Only a provider that this shop has not configured can find an order by this key.",
        "Ask by another key, or configure the provider.",
    )
    REFERENCE_NOT_INDEXED = (
        "REFERENCE_NOT_INDEXED",
        "No order seen so far has this tracking number, and no provider can be asked for one.",
        "Ask by another key first; afterwards the tracking number is known.",
    )
    CAPABILITY_MISSING = (
        "CAPABILITY_MISSING",
        "No provider of this shop can do what was asked, such as searching orders.",
        "Ask another shop, or configure a provider that can.",
    )
    AMBIGUOUS_TRACKING_NUMBER = (
        "AMBIGUOUS_TRACKING_NUMBER",
        "The tracking number was seen on several orders.",
        "Ask by one of the numbers in `extensions.orderNumbers`.",
    )
    TAKEN = (
        "TAKEN",
        "The reference is already linked to another order.",
        "Unlink it there first.",
    )
    NOT_LINKED = ("NOT_LINKED", "The reference is not linked to this order.", "Nothing: it is already as asked.")
    UNKNOWN_KIND = (
        "UNKNOWN_KIND",
        "The provider gives orders no reference of this kind, or it cannot be linked.",
        "Pass one of the kinds in the message.",
    )
    PROVIDER_NOT_CONFIGURED = (
        "PROVIDER_NOT_CONFIGURED",
        "The shop has no settings for this provider.",
        "Use another provider, or have it configured.",
    )
    ALREADY_EXISTS = (
        "ALREADY_EXISTS",
        "The provider has it already: an order of this name, or a stop for it that is under way.",
        "Read it; change it instead where it is not as it should be.",
    )
    TRACKING_NOT_FOUND = (
        "TRACKING_NOT_FOUND",
        "The provider does not know the parcel or the tracker that was to be changed.",
        "Read the order's trackings anew and use an `id` of theirs.",
    )
    REGISTRATION_NOT_FOUND = (
        "REGISTRATION_NOT_FOUND",
        "The shop has no registration of this id: it was forgotten, or is no longer kept.",
        "Read `registrations` and use an `id` of theirs.",
    )
    NOTHING_TO_RETRY = (
        "NOTHING_TO_RETRY",
        "Of the registration, all that was meant is done, or is being tried at this moment.",
        "Read the registration; there is nothing more to do.",
    )
    REFERENCE_REQUIRED = (
        "REFERENCE_REQUIRED",
        "A provider that is to be told of a shipment cannot be: what it calls the order is not known.",
        "Link the order first, name it by another key, or leave the provider out.",
    )
    CAPTURE_REQUIRED = (
        "CAPTURE_REQUIRED",
        "Which captured payment a shipment belongs to is not clear: there is none, several, or not the one named.",
        "Pass the `captureId` of one of the order's payments, in a new registration.",
    )
    DISMISSED = (
        "DISMISSED",
        "The registration was dismissed before the provider confirmed it.",
        "Nothing; `retryRegistration` takes it up again.",
    )
    IDEMPOTENCY_KEY_REUSED = (
        "IDEMPOTENCY_KEY_REUSED",
        "The idempotency key was used before: for another mutation, or with another input.",
        "Make a new key for each thing that is to be done; keep it for repetitions of that alone.",
    )
    IDEMPOTENCY_KEY_IN_USE = (
        "IDEMPOTENCY_KEY_IN_USE",
        "The mutation that was sent with this idempotency key is still being carried out.",
        "Send the same again in a few seconds; it is answered what was made.",
        True,
    )
    ORDER_TOKENS_OFF = (
        "ORDER_TOKENS_OFF",
        "This gateway makes no order tokens: it has no secret to sign them with, or asks nobody who they are.",
        "Have `auth.mode` and `auth.order_tokens.secret_file` set.",
    )
    STORE_UNAVAILABLE = (
        "STORE_UNAVAILABLE",
        "The gateway cannot use its own store, which holds links, trackers and the index of tracking numbers.",
        "Ask again later; nothing was stored.",
        True,
    )
    INTERNAL_ERROR = (
        "INTERNAL_ERROR",
        "The gateway failed in a way that nobody foresaw.",
        "Report `extensions.requestId`; the log has the cause under it.",
    )


class ClientError(Exception):
    """Raised by a resolver to tell the client something: `message` and `extensions` reach it as they are.

    Everything else that a resolver raises is answered as `INTERNAL_ERROR`. `extensions` is plain JSON data and never
    holds a text of a provider or of another exception.
    """

    def __init__(self, code: ErrorCode, message: str, **extensions: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.extensions: dict[str, Any] = {**extensions, "code": code.value}


class Forbidden(ClientError):
    """The principal lacks `scope`, or has it for one order alone."""

    def __init__(self, scope: str) -> None:
        super().__init__(ErrorCode.FORBIDDEN, f"This needs the scope {scope!s}.", scope=str(scope))


class QueryRequired(ClientError):
    """The chosen operation is not a query, and only queries were allowed (GET)."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.QUERY_REQUIRED, "GET runs queries only. Send this operation by POST.")
