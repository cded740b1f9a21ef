"""From the text of a GraphQL document to one that is parsed, within bounds and valid against the schema.

Valid documents are remembered, because parsing and validating one costs more than executing it. This module knows the
schema, and neither variables, HTTP nor execution.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationRule,
    parse,
    specified_rules,
    validate,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule

from gateway.schema.errors import ErrorCode

MAX_TOKENS = 10_000
"""The introspection query of GraphiQL has some 350 tokens, a query for everything in the schema some 1,500."""

MAX_COMMENTS = 1_000

MAX_DEPTH = 60
"""Nested selections, fragments followed. GraphiQL's introspection needs 13; Python's stack (1,000 frames) holds 100 or
so of graphql-core's, and a loader's frames come on top."""

MAX_ERRORS = 5
"""Errors of parsing, validation and variables in one reply: enough to work on, too few to make a large one."""

REMEMBERED_CHARACTERS = 128 * 1024
"""Bounds remembered documents to some 32 MiB: a parsed one was measured at 150 to 250 bytes per character of text."""

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


class Documents:
    """Parses and validates documents against one schema.

    With `production`, introspection is refused and messages suggest no names of the schema.
    """

    def __init__(
        self, schema: GraphQLSchema, *, production: bool, remembered_characters: int = REMEMBERED_CHARACTERS
    ) -> None:
        let_core_check_one_of(schema)
        self._schema = schema
        self._production = production
        self._rules = [*specified_rules, MaybeNullValidationRule, *([NoIntrospection] if production else [])]
        self._remembered: OrderedDict[str, DocumentNode] = OrderedDict()
        self._room = remembered_characters
        self._longest = remembered_characters // LONGEST_SHARE

    def load(self, text: str) -> DocumentNode:
        """The valid document that `text` is. Raises RequestRefused."""
        document = self._remembered.get(text)
        if document is not None:
            self._remembered.move_to_end(text)
            return document
        document = self._parse(text)
        self._validate(document)
        self._remember(text, document)
        return document

    def _parse(self, text: str) -> DocumentNode:
        try:
            return parse(text, max_lexical_tokens=MAX_TOKENS, max_comments=MAX_COMMENTS)
        except GraphQLError as error:
            raise RequestRefused([coded(error, ErrorCode.GRAPHQL_PARSE_FAILED)]) from error

    def _validate(self, document: DocumentNode) -> None:
        if depth(document) > MAX_DEPTH:
            message = f"Selections are nested deeper than {MAX_DEPTH} levels, or a fragment contains itself."
            raise RequestRefused([coded(GraphQLError(message), ErrorCode.GRAPHQL_VALIDATION_FAILED)])
        # One error less than may be told, because graphql-core adds one that says there are more.
        errors = validate(
            self._schema, document, self._rules, max_errors=MAX_ERRORS - 1, hide_suggestions=self._production
        )
        if errors:
            raise RequestRefused([coded(_explained(error), ErrorCode.GRAPHQL_VALIDATION_FAILED) for error in errors])

    def _remember(self, text: str, document: DocumentNode) -> None:
        if len(text) > self._longest:
            return
        self._remembered[text] = document
        self._room -= len(text)
        while self._room < 0:
            oldest, _ = self._remembered.popitem(last=False)
            self._room += len(oldest)


def _explained(error: GraphQLError) -> GraphQLError:
    """The same error; graphql-core says no more than this when its bound on the work of validation is reached."""
    if error.message == "Validation aborted.":
        error.message = "The document takes too much work to validate: ask for less at once."
    return error


def coded(error: GraphQLError, code: ErrorCode) -> GraphQLError:
    """The same error with `code`, unless it already has one."""
    error.extensions = {"code": code.value, **(error.extensions or {})}
    return error


def depth(document: DocumentNode) -> int:
    """How deep the deepest selection lies with every fragment followed; above MAX_DEPTH when fragments form a cycle.

    Works without recursion, so that it can be asked about any document, and stops as soon as MAX_DEPTH is passed.
    """
    fragments = {
        definition.name.value: definition.selection_set
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    operations = [
        definition.selection_set
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode)
    ]
    level = [*operations, *fragments.values()]
    reached = 0
    while level and reached <= MAX_DEPTH:
        reached += 1
        # Told apart by identity: nodes compare by content, which walks them whole.
        deeper = {id(nested): nested for selection_set in level for nested in _nested(selection_set, fragments)}
        level = list(deeper.values())
    return reached


def let_core_check_one_of(schema: GraphQLSchema) -> None:
    """Tell graphql-core which inputs are `@oneOf`; Strawberry 0.341 keeps that to itself.

    Then graphql-core's own rules check them, and introspection answers `isOneOf`. Strawberry's rule for it cannot be
    used: it raises KeyError or AttributeError where a variable is undefined or a fragment stands before the operation.
    """
    for named_type in schema.type_map.values():
        definition = named_type.extensions.get("strawberry-definition")
        if isinstance(named_type, GraphQLInputObjectType) and getattr(definition, "is_one_of", False):
            named_type.is_one_of = True


def _nested(selection_set: SelectionSetNode, fragments: dict[str, SelectionSetNode]) -> Iterator[SelectionSetNode]:
    for selection in selection_set.selections:
        nested = (
            fragments.get(selection.name.value)
            if isinstance(selection, FragmentSpreadNode)
            else cast(SelectionSetNode | None, getattr(selection, "selection_set", None))
        )
        if nested is not None:
            yield nested
