"""What graphql-core answers, and what the compiler does, for the same operation over the same data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, cast

import orjson
import strawberry
from graphql import DocumentNode, ExecutionResult, OperationDefinitionNode
from graphql.execution import Executor
from strawberry.execution import optimized_is_awaitable

from gateway.compiler import Compiler, GivenUp, Options, Program


@dataclass(frozen=True)
class Reference:
    """An answer of graphql-core: the JSON of `data` where there are no errors, and else the errors."""

    data: bytes | None
    errors: tuple[str, ...] = ()


async def reference(
    schema: strawberry.Schema,
    document: DocumentNode,
    variables: Mapping[str, Any],
    context: object = None,
    root_value: object = None,
) -> Reference:
    """What Strawberry's executor answers."""
    executor = cast(type[Executor[Any]], schema.execution_context_class).build(
        schema._schema,
        document,
        root_value=root_value,
        context_value=context,
        raw_variable_values=dict(variables),
        is_awaitable=cast(Any, optimized_is_awaitable),
    )
    if isinstance(executor, list):
        return Reference(None, tuple(error.message for error in executor))
    outcome: Any = executor.execute_operation()
    result = cast(ExecutionResult, await outcome if isawaitable(outcome) else outcome)
    if result.errors:
        return Reference(None, tuple(error.message for error in result.errors))
    try:
        return Reference(orjson.dumps(result.data))
    except TypeError as error:  # a value that no JSON can hold, such as half of a surrogate pair
        return Reference(None, (str(error),))


def operation_of(document: DocumentNode) -> OperationDefinitionNode:
    """The only operation of a document."""
    return next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))


def compiled(schema: strawberry.Schema, document: DocumentNode, options: Options | None = None) -> Program:
    """The program of a document's only operation."""
    return Compiler(schema._schema, options or Options()).compile(document, operation_of(document))


async def answer(
    program: Program, variables: Mapping[str, Any], context: object = None, root_value: object = None
) -> Reference:
    """What a program answers; its error is why it gave up."""
    try:
        return Reference(await program.run(context, variables, root_value))
    except GivenUp as error:
        return Reference(None, (repr(error.__cause__),))
