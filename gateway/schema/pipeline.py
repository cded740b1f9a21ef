"""From a GraphQL request to the answer a client gets: document, limits, execution, errors.

The pipeline drives graphql-core itself instead of calling `strawberry.Schema.execute`. That keeps the steps apart
(document, variables, execution), so that valid documents can be remembered, a request error is told from a null answer
without guessing, and suggestions can be left out; none of which `Schema.execute` offers (strawberry-graphql 0.341).
Resolvers run in Strawberry's own execution context as before. Schema extensions and Python-side schema directives do
not run: the gateway has none. This module knows nothing of HTTP.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple, Protocol, cast

import orjson
import strawberry
from graphql import ExecutionResult, GraphQLError, GraphQLFormattedError, OperationType
from graphql.execution import Executor
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.execution import optimized_is_awaitable

from gateway.auth.principal import Principal
from gateway.compiler import GivenUp, Pieces, Program
from gateway.freshness.derived import Derived
from gateway.schema.answers import NEVER, KeptAnswer, KeptAnswers, may_be_kept
from gateway.schema.documents import MAX_ERRORS, Documents, Operation, RequestRefused, coded
from gateway.schema.encoding import encode
from gateway.schema.errors import ClientError, ErrorCode, QueryRequired
from gateway.schema.persisted import DocumentRefused, PersistedDocuments
from gateway.schema.programs import Programs
from gateway.schema.settings import LimitSettings
from gateway.store.database import StoreUnavailable
from gateway.telemetry import observing

log = logging.getLogger(__name__)

MAX_PATHS = 20
"""Paths told for one provider failure. `count` says how many fields it concerned."""

MAX_MESSAGE = 500
"""Characters of an error message. graphql-core repeats what the client sent, which may be a megabyte."""

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """One request as the client sent it; well-formed, and nothing more is known about it.

    A document is sent as `query`, or named: by `document_id`, or by `sha256`, with which its text may come as well.
    """

    query: str | None
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    document_id: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of a GraphQL response, as the bytes of its JSON.

    `executed` is false when the request failed before anything was executed; the body then holds no `data`. `max_age`
    is how long every part of the answer stays fresh; None when it must not be kept.
    """

    content: bytes
    executed: bool
    max_age: timedelta | None = None

    @property
    def body(self) -> dict[str, Any]:
        """The body as JSON data."""
        body: dict[str, Any] = orjson.loads(self.content)
        return body


@dataclass(frozen=True, slots=True)
class PartFailure:
    """One provider could not give the fields at `paths`. `message` and `extensions` reach the client."""

    code: str
    message: str
    provider: str
    retryable: bool
    paths: tuple[Path, ...]
    extensions: Mapping[str, Any] = field(default_factory=dict)


class OperationContext(Protocol):
    """What resolvers of one operation share (`info.context`), as far as the pipeline deals with it."""

    read_ahead: Derived
    """What resolvers read ahead of the selection."""

    def failures(self) -> Sequence[PartFailure]:
        """The provider failures met while loading."""
        ...

    def max_age(self) -> timedelta | None:
        """How long everything that was loaded stays fresh; None when some of it must not be kept."""
        ...

    def names(self) -> frozenset[str] | None:
        """What everything that was loaded is known by when it changes; None where nobody would tell."""
        ...

    def hold_figures(self) -> None:
        """Tell no figures of what is loaded until `tell_figures` is called: it may come to nothing."""
        ...

    def tell_figures(self) -> None:
        """Tell the figures that were held back."""
        ...

    def afresh(self) -> OperationContext:
        """A context to run the operation once more: what was loaded is at hand, and no failure was met yet."""
        ...


@dataclass(frozen=True, slots=True)
class Layers:
    """What makes a pipeline faster, and no answer different. Each can be left out.

    `answers` keeps whole answers; `compiles` has operations that come again compiled; `pieces` keeps parts of answers.
    """

    answers: KeptAnswers | None = None
    compiles: bool = True
    pieces: Pieces | None = None


class Pipeline:
    """Runs GraphQL requests against one schema, within `limits` (left out: the defaults).

    `new_context` makes an operation's context from its request id and who asks. `persisted` are the documents that
    clients can name; left out, there are none.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        new_context: Callable[[str, Principal], OperationContext],
        *,
        production: bool,
        limits: LimitSettings | None = None,
        persisted: PersistedDocuments | None = None,
        layers: Layers = Layers(),
    ) -> None:
        # Strawberry has no public name for the graphql-core schema that it builds.
        self._schema = schema._schema
        # Strawberry's resolvers rely on its own subclass; the annotation there is the base of graphql-core before 3.3.
        self._executor = cast(type[Executor[Any]], schema.execution_context_class)
        self._documents = Documents(self._schema, production=production, limits=limits)
        self._persisted = persisted or PersistedDocuments()
        self._new_context = new_context
        self._hide_suggestions = production
        self._answers = layers.answers
        self._programs = Programs(self._schema, layers.pieces) if layers.compiles else None

    def at_once(self, request: GraphQLRequest, *, request_id: str, principal: Principal) -> Answer | None:
        """What `run` would answer, where that takes no waiting and all of it is there. May be called outside of a task.

        None in every other case; nothing has come of it then.
        """
        started = time.perf_counter()
        asked = _Asked(request, request_id, principal)
        answer = self._find(asked) or self._made_at_once(asked)
        if answer is not None:
            observing.operation_answered(OperationType.QUERY.value, time.perf_counter() - started)
        return answer

    async def run(
        self, request: GraphQLRequest, *, request_id: str, principal: Principal, queries_only: bool
    ) -> Answer:
        """Execute `request` for `principal`.

        Raises QueryRequired when `queries_only` and the operation is none, and DocumentRefused when no document is to
        be run. Whatever resolvers raise ends in `errors`. What the context's own methods raise comes through.
        """
        asked = _Asked(request, request_id, principal)
        with observing.operation() as notes:
            kept = self._find(asked)
            if kept is not None:
                notes.chose(OperationType.QUERY.value)
                notes.executed(has_errors=False)
                return kept
            try:
                return await self._made(asked, queries_only, notes)
            except RequestRefused as refused:
                errors = [_told(error) for error in refused.errors]
                observing.errors_told(_codes(errors))
                return Answer(encode({"errors": errors}), executed=False)

    def _find(self, asked: _Asked) -> Answer | None:
        """The answer that was kept."""
        kept = self._answers.find(asked.request, asked.principal) if self._answers else None
        return None if kept is None else Answer(kept.content, executed=True, max_age=kept.max_age)

    def _keep(self, asked: _Asked, operation: Operation, context: OperationContext, answer: Answer, begun: int) -> None:
        """Keep the answer for whoever asks the same, if it can be. Making it began at `begun`."""
        if self._answers and operation.program and answer.max_age and may_be_kept(operation.program.coordinates):
            kept = KeptAnswer(answer.content, answer.max_age)
            self._answers.keep(asked.request, asked.principal, kept, context.names(), begun)

    def _made_at_once(self, asked: _Asked) -> Answer | None:
        """The answer, made now, by a compiled operation that did not have to wait when it last ran."""
        operation = self._known_operation(asked.request)
        if operation is None or not operation.program or operation.waited:
            return None
        begun = self._answers.now() if self._answers else NEVER
        context = self._context(asked, operation)
        context.hold_figures()
        try:
            data = operation.program.at_hand(context, asked.request.variables)
        except GivenUp:
            return None
        operation.waited = data is None
        if data is None or context.failures():
            return None
        context.tell_figures()
        answer = Answer(_Outcome(data, []).body, executed=True, max_age=context.max_age())
        self._keep(asked, operation, context, answer, begun)
        return answer

    def _known_operation(self, request: GraphQLRequest) -> Operation | None:
        """What is to be run, where that is known; a document that comes with its hash is to be kept first."""
        if request.sha256 is not None and request.query is not None:
            return None
        try:
            text = self._persisted.at_hand(request)
            return self._documents.known(text, request.operation_name, request.variables) if text else None
        except (RequestRefused, DocumentRefused):
            return None

    async def _made(self, asked: _Asked, queries_only: bool, notes: observing.operation) -> Answer:
        """The answer, made now. Raises RequestRefused, QueryRequired and DocumentRefused."""
        request = asked.request
        begun = self._answers.now() if self._answers else NEVER
        operation = await self._operation(request)
        if queries_only and not operation.is_query:
            raise QueryRequired
        context = self._context(asked, operation)
        program = operation.program or await self._compiled(operation, request)
        outcome = await self._run_program(program, operation, request, context) if program else None
        if outcome is None:
            context = context.afresh() if program else context
            outcome = await self._run_core(operation, asked, context)
        if request.sha256 is not None:
            await self._persisted.keep(request)
        notes.chose(operation.node.operation.value)
        notes.executed(has_errors=bool(outcome.errors))
        observing.errors_told(_codes(outcome.errors))
        answer = Answer(outcome.body, executed=True, max_age=_max_age(operation, context, outcome))
        self._keep(asked, operation, context, answer, begun)
        return answer

    async def _operation(self, request: GraphQLRequest) -> Operation:
        """What is to be run. Raises RequestRefused and DocumentRefused."""
        text = await self._persisted.text_of(request)
        return await self._documents.load(text, request.operation_name, request.variables)

    def _context(self, asked: _Asked, operation: Operation) -> OperationContext:
        context = self._new_context(asked.request_id, asked.principal)
        _lend_read_ahead(operation, context)
        return context

    async def _compiled(self, operation: Operation, request: GraphQLRequest) -> Program | None:
        return await self._programs.of(operation, request.variables or {}) if self._programs else None

    async def _run_program(
        self, program: Program, operation: Operation, request: GraphQLRequest, context: OperationContext
    ) -> _Outcome | None:
        """What the compiled operation comes to; None when graphql-core has to run it, as for every error."""
        try:
            data = program.begin(context, request.variables)
            operation.waited = not isinstance(data, bytes)
            data = data if isinstance(data, bytes) else await data
        except GivenUp:
            return None
        return _Outcome(data, _failure_errors(context.failures()))

    async def _run_core(self, operation: Operation, asked: _Asked, context: OperationContext) -> _Outcome:
        """What the operation comes to on graphql-core. Raises RequestRefused for its variables."""
        _lend_read_ahead(operation, context)
        outcome = self._executor_of(operation, asked.request, context).execute_operation()
        result = cast(ExecutionResult, await cast(Awaitable[Any], outcome) if _is_awaitable(outcome) else outcome)
        told = [*_resolver_errors(result.errors or (), asked.request_id), *_failure_errors(context.failures())]
        return _Outcome(encode(result.data), told)

    def _executor_of(self, operation: Operation, request: GraphQLRequest, context: OperationContext) -> Executor[Any]:
        executor = self._executor.build(
            self._schema,
            operation.document,
            context_value=context,
            raw_variable_values=dict(request.variables or {}),
            operation_name=request.operation_name,
            is_awaitable=_is_awaitable,
            max_coercion_errors=MAX_ERRORS - 1,
            hide_suggestions=self._hide_suggestions,
        )
        if isinstance(executor, list):
            raise RequestRefused([coded(error, ErrorCode.BAD_USER_INPUT) for error in executor])
        return executor


class _Asked(NamedTuple):
    """A request, and who sends it."""

    request: GraphQLRequest
    request_id: str
    principal: Principal


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What an operation came to: `data` as JSON, and the errors that the client is told."""

    data: bytes
    errors: list[GraphQLFormattedError]

    @property
    def body(self) -> bytes:
        if not self.errors:
            return b'{"data":%b}' % self.data
        return b'{"data":%b,"errors":%b}' % (self.data, encode(self.errors))


def _lend_read_ahead(operation: Operation, context: OperationContext) -> None:
    if operation.read_ahead is not None:
        context.read_ahead = operation.read_ahead


def _max_age(operation: Operation, context: OperationContext, outcome: _Outcome) -> timedelta | None:
    return context.max_age() if operation.is_query and not outcome.errors else None


# Strawberry annotates its predicate with a plain bool, graphql-core wants a type guard.
_is_awaitable = cast(Any, optimized_is_awaitable)


def _resolver_errors(errors: Iterable[GraphQLError], request_id: str) -> list[GraphQLFormattedError]:
    """Errors of execution as the client sees them. Those that nobody raised on purpose are masked and logged.

    The same exception class at the same field is logged once, however many list items met it.
    """
    told = []
    logged: set[tuple[type[BaseException], Path]] = set()
    for error in errors:
        if _is_for_the_client(error):
            told.append(_told(error))
            continue
        cause = error.original_error or error
        told.append(_without_store(error) if isinstance(cause, StoreUnavailable) else _masked(error, request_id))
        place = tuple(step for step in error.path or () if isinstance(step, str))
        if (type(cause), place) not in logged:
            logged.add((type(cause), place))
            _log_failure(cause, ".".join(place), request_id)
    return told


def _log_failure(cause: BaseException, place: str, request_id: str) -> None:
    if isinstance(cause, StoreUnavailable):  # foreseen: a traceback would say nothing more
        log.error("the store cannot be used at %s: %s", place, cause, extra={"request_id": request_id})
    else:
        log.error("resolver failed at %s", place, exc_info=cause, extra={"request_id": request_id})


def _is_for_the_client(error: GraphQLError) -> bool:
    """Whether the error was raised on purpose, or is about what the client sent; gives the latter its code.

    graphql-core coerces arguments while it executes and raises errors that carry the document's nodes; those about a
    value that came out of a resolver carry none until they are located. Strawberry has a class of its own for inputs.
    """
    cause = error.original_error
    if isinstance(cause, ClientError):
        return True
    if isinstance(cause, StrawberryInputCoercionError) or (isinstance(cause, GraphQLError) and cause.nodes):
        coded(error, ErrorCode.BAD_USER_INPUT)
        return True
    return False


def _without_store(error: GraphQLError) -> GraphQLFormattedError:
    code = ErrorCode.STORE_UNAVAILABLE
    extensions = {"code": code.value, "retryable": code.retryable}
    message = "The gateway's store cannot be used at the moment."
    return _told(GraphQLError(message, nodes=error.nodes, path=error.path, extensions=extensions))


def _masked(error: GraphQLError, request_id: str) -> GraphQLFormattedError:
    return _told(
        GraphQLError(
            "Internal error",
            nodes=error.nodes,
            path=error.path,
            extensions={"code": ErrorCode.INTERNAL_ERROR.value, "requestId": request_id},
        )
    )


def _told(error: GraphQLError) -> GraphQLFormattedError:
    formatted = error.formatted
    if len(formatted["message"]) > MAX_MESSAGE:
        formatted["message"] = formatted["message"][:MAX_MESSAGE] + "…"
    return formatted


def _codes(errors: Iterable[GraphQLFormattedError]) -> list[str]:
    """The code of each error; what has none is a fault of ours, which a test of the codes would find."""
    return [str(error.get("extensions", {}).get("code", ErrorCode.INTERNAL_ERROR)) for error in errors]


def _failure_errors(failures: Iterable[PartFailure]) -> list[GraphQLFormattedError]:
    """One error for each provider and code, in the order in which they were met."""
    groups: dict[tuple[str, str], list[PartFailure]] = {}
    for failure in failures:
        groups.setdefault((failure.provider, failure.code), []).append(failure)
    return [_failure_error(group) for group in groups.values()]


def _failure_error(group: Sequence[PartFailure]) -> GraphQLFormattedError:
    first = group[0]
    paths = list(dict.fromkeys(path for failure in group for path in failure.paths))
    error: GraphQLFormattedError = {
        "message": first.message,
        "extensions": {
            **first.extensions,
            "code": first.code,
            "provider": first.provider,
            "retryable": first.retryable,
            "count": len(paths),
            "paths": [list(path) for path in paths[:MAX_PATHS]],
        },
    }
    if paths:
        error["path"] = list(paths[0])
    return error
