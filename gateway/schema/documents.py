"""From the text of a GraphQL document to one that is parsed, within its limits and valid against the schema.

Valid documents are remembered, because parsing and validating one costs more than executing it; limits are held against
each request anew, because variables say how much it asks for. This module knows the schema, and neither HTTP nor
execution.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    ValidationRule,
    parse,
    specified_rules,
    validate,
)
from graphql.validation.rules import overlapping_fields_can_be_merged
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule

from gateway.compiler import Program
from gateway.freshness.derived import Derived
from gateway.schema.counting import CountedOperation, Counter, FragmentCycle
from gateway.schema.errors import ErrorCode
from gateway.schema.limits import Held, first_exceeded, too_many_tokens
from gateway.schema.selection import reads_variables_below
from gateway.schema.settings import LimitSettings

MAX_COMMENTS = 1_000

MAX_COMPARISONS = 50_000
"""Of fields that are selected more than once in one place, which grow with the square of the repetitions. So many take
0.1 s of CPU, and the 500,000 of graphql-core 1.5 s. Thirty fragments that select the same 20 fields need 30,000."""

overlapping_fields_can_be_merged.MAX_COMPLEXITY_BUDGET = MAX_COMPARISONS  # no argument sets it (graphql-core 3.3)

MAX_ERRORS = 5
"""Errors of parsing, validation and variables in one reply: enough to work on, too few to make a large one."""

REMEMBERED_CHARACTERS = 128 * 1024
"""Bounds remembered documents to some 32 MiB: a parsed one was measured at 150 to 250 bytes per character of text."""

SHORT = 4_000
"""Characters of a document that is read at once. Reading and validating takes 0.5 to 17 µs of CPU per character, so
70 ms at most; what is longer can take 0.6 s, as 1,200 operations of a line do, or a megabyte of lines in one string."""

LONGEST_SHARE = 8
"""A document longer than this part of the room is not remembered: a few of them would push out all the others."""


class RequestRefused(Exception):
    """The request cannot be executed. `errors` are for the client, each with its code; there is at least one."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = tuple(errors)


class NoIntrospection(ValidationRule):
    """Refuses `__schema` and `__type`; `__typename` is part of ordinary queries."""

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        if node.name.value in {"__schema", "__type"}:
            self.report_error(
                GraphQLError(
                    f"Introspection is off here: {node.name.value} cannot be asked.",
                    node,
                    extensions={"code": ErrorCode.INTROSPECTION_DISABLED.value},
                )
            )


@dataclass(slots=True, eq=False, weakref_slot=True)
class Operation:
    """One operation of a valid document, with what was found out about it and holds for every run.

    `read_ahead` is what resolvers read ahead of the selection; None where that depends on variables. `runs` counts how
    often it was asked for, and `program` is what it was compiled to; False when that was tried and cannot be.
    `waited` is whether its last run had to wait for anything. `is_remembered` is whether its document is, so that what
    is found out now is there for the next run. Each is equal to itself alone.
    """

    document: DocumentNode
    node: OperationDefinitionNode
    counted: CountedOperation
    read_ahead: Derived | None
    is_within_limits: bool = False
    runs: int = 0
    program: Program | Literal[False] | None = None
    waited: bool = False
    is_remembered: bool = False

    @property
    def is_query(self) -> bool:
        return self.node.operation is OperationType.QUERY


@dataclass(frozen=True, slots=True)
class _Document:
    """A parsed document and its operations."""

    node: DocumentNode
    operations: tuple[Operation, ...]

    def operation(self, name: str | None) -> Operation | None:
        """The operation that `name` picks, or the only one; None where none is picked, and so none will be run."""
        if name is None:
            return self.operations[0] if len(self.operations) == 1 else None
        return next((each for each in self.operations if each.counted.name == name), None)

    def mark(self, *, is_remembered: bool) -> None:
        """Tell the operations whether the document is remembered."""
        for operation in self.operations:
            operation.is_remembered = is_remembered

    def chosen(self, name: str | None) -> Operation:
        """The operation that `name` picks, or the only one. Raises RequestRefused."""
        operation = self.operation(name)
        if operation is not None:
            return operation
        if name is not None:
            raise _refused(ErrorCode.OPERATION_NOT_FOUND, f"The document holds no operation named '{name}'.")
        if not self.operations:
            raise _refused(ErrorCode.OPERATION_NOT_FOUND, "The document holds no operation.")
        raise _refused(
            ErrorCode.OPERATION_NAME_REQUIRED, "The document holds several operations: name one in operationName."
        )


class Documents:
    """Parses and validates documents against one schema, and holds their operations to `limits`.

    With `production`, introspection is refused and messages suggest no names of the schema.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        *,
        production: bool,
        limits: LimitSettings | None = None,
        remembered_characters: int = REMEMBERED_CHARACTERS,
    ) -> None:
        let_core_check_one_of(schema)
        self._schema = schema
        self._production = production
        self._limits = limits or LimitSettings()
        self._counter = Counter(schema)
        self._rules = [*specified_rules, MaybeNullValidationRule, *([NoIntrospection] if production else [])]
        self._remembered: OrderedDict[str, _Document] = OrderedDict()
        self._room = remembered_characters
        self._longest = remembered_characters // LONGEST_SHARE
        self._reading = asyncio.Lock()

    async def load(
        self, text: str, operation_name: str | None = None, variables: Mapping[str, Any] | None = None
    ) -> Operation:
        """The operation of this name in the valid document that `text` is; it keeps to the limits with `variables`.

        Raises RequestRefused. A long document is read in a thread: other requests go on meanwhile. One at a time, as
        they could only take turns, and each holds some megabytes.
        """
        known = self.known(text, operation_name, variables)
        if known is not None:
            return known
        if len(text) <= SHORT:
            document = self._checked(text, operation_name, variables or {})
        else:
            async with self._reading:
                document = await asyncio.to_thread(self._checked, text, operation_name, variables or {})
        if text not in self._remembered:
            self._remember(text, document)
        return document.chosen(operation_name)

    def known(
        self, text: str, operation_name: str | None = None, variables: Mapping[str, Any] | None = None
    ) -> Operation | None:
        """The same, of a document that is remembered; None for one that is not. Raises RequestRefused."""
        document = self._remembered.get(text)
        if document is None:
            return None
        self._remembered.move_to_end(text)
        operation = document.chosen(operation_name)
        self._hold_to_limits(operation, variables or {})
        return operation

    def problem_of(self, text: str) -> str | None:
        """Why the document that `text` is could never be run, in one line; None when it could, within the limits."""
        try:
            self._validate(self._read(text).node)
        except RequestRefused as refused:
            return str(refused)
        return None

    def _checked(self, text: str, operation_name: str | None, variables: Mapping[str, Any]) -> _Document:
        """The document that `text` is, once it is sure that it can be run. Changes nothing here."""
        document = self._read(text)
        operation = document.operation(operation_name)
        if operation is not None:
            self._hold_to_limits(operation, variables)
        self._validate(document.node)
        return document

    def _read(self, text: str) -> _Document:
        node = self._parse(text)
        try:
            counted = self._counter.count(node)
        except FragmentCycle as cycle:
            message = f"The fragment '{cycle}' contains itself."
            error = GraphQLError(message, cycle.node)
            raise RequestRefused([coded(error, ErrorCode.GRAPHQL_VALIDATION_FAILED)]) from None
        nodes = [each for each in node.definitions if isinstance(each, OperationDefinitionNode)]
        return _Document(
            node,
            tuple(
                Operation(node, each, count, None if reads_variables_below(node, each) else Derived())
                for each, count in zip(nodes, counted, strict=True)
            ),
        )

    def _parse(self, text: str) -> DocumentNode:
        try:
            return parse(text, max_lexical_tokens=self._limits.tokens, max_comments=MAX_COMMENTS)
        except GraphQLError as error:
            if error.message == f"Syntax Error: Document contains more than {self._limits.tokens} tokens. {_ABORTED}":
                raise _beyond(too_many_tokens(self._limits)) from error
            raise RequestRefused([coded(error, ErrorCode.GRAPHQL_PARSE_FAILED)]) from error

    def _hold_to_limits(self, operation: Operation, variables: Mapping[str, Any]) -> None:
        if operation.is_within_limits:
            return
        exceeded = first_exceeded(operation.counted, self._limits, variables)
        if exceeded:
            raise _beyond(exceeded)
        operation.is_within_limits = not operation.counted.totals.cost.terms

    def _validate(self, node: DocumentNode) -> None:
        # One error less than may be told, because graphql-core adds one that says there are more.
        errors = validate(self._schema, node, self._rules, max_errors=MAX_ERRORS - 1, hide_suggestions=self._production)
        if errors:
            raise RequestRefused([coded(_explained(error), ErrorCode.GRAPHQL_VALIDATION_FAILED) for error in errors])

    def _remember(self, text: str, document: _Document) -> None:
        if len(text) > self._longest:
            return
        self._remembered[text] = document
        document.mark(is_remembered=True)
        self._room -= len(text)
        while self._room < 0:
            oldest, forgotten = self._remembered.popitem(last=False)
            forgotten.mark(is_remembered=False)
            self._room += len(oldest)


_ABORTED = "Parsing aborted."
"""How graphql-core ends the message that a document is too long; the error says it nowhere else (3.3)."""


def _refused(code: ErrorCode, message: str) -> RequestRefused:
    return RequestRefused([coded(GraphQLError(message), code)])


def _beyond(exceeded: Held) -> RequestRefused:
    error = GraphQLError(exceeded.message, extensions=exceeded.extensions)
    return RequestRefused([coded(error, ErrorCode.QUERY_LIMIT_EXCEEDED)])


def _explained(error: GraphQLError) -> GraphQLError:
    """The same error; graphql-core says no more than this when its bound on the work of validation is reached."""
    if error.message == "Validation aborted.":
        error.message = "The document takes too much work to validate: ask for less at once."
    return error


def coded(error: GraphQLError, code: ErrorCode) -> GraphQLError:
    """The same error with `code`, unless it already has one."""
    error.extensions = {"code": code.value, **(error.extensions or {})}
    return error


def let_core_check_one_of(schema: GraphQLSchema) -> None:
    """Tell graphql-core which inputs are `@oneOf`; Strawberry 0.341 keeps that to itself.

    Then graphql-core's own rules check them, and introspection answers `isOneOf`. Strawberry's rule for it cannot be
    used: it raises KeyError or AttributeError where a variable is undefined or a fragment stands before the operation.
    """
    for named_type in schema.type_map.values():
        definition = named_type.extensions.get("strawberry-definition")
        if isinstance(named_type, GraphQLInputObjectType) and getattr(definition, "is_one_of", False):
            named_type.is_one_of = True
