"""What the pipeline makes of a request: data, coded errors, provider failures, and how long an answer may be kept."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from gateway.auth.principal import ANYONE, Principal
from gateway.freshness.derived import Derived
from gateway.schema.errors import ClientError, ErrorCode, QueryRequired
from gateway.schema.limits import MAX_NESTING
from gateway.schema.pipeline import MAX_PATHS, Answer, GraphQLRequest, PartFailure, Pipeline
from gateway.schema.settings import LimitSettings
from gateway.store.database import StoreUnavailable

FRESH_FOR = timedelta(seconds=30)


@dataclass
class Context:
    """An operation's context that resolvers write failures into."""

    request_id: str
    met: list[PartFailure] = field(default_factory=list)
    fresh_for: timedelta | None = FRESH_FOR
    read_ahead: Derived = field(default_factory=Derived)

    def afresh(self) -> Context:
        return Context(self.request_id)

    def names(self) -> None:
        """None: nobody would tell of a change."""

    def hold_figures(self) -> None:
        """There are none."""

    def tell_figures(self) -> None:
        """There are none."""

    def failures(self) -> Sequence[PartFailure]:
        return self.met

    def max_age(self) -> timedelta | None:
        return self.fresh_for


def down(*paths: tuple[str | int, ...], provider: str = "karla", code: str = "PROVIDER_TIMEOUT") -> PartFailure:
    return PartFailure(code, "The provider did not answer in time.", provider, True, paths)


@strawberry.input(one_of=True)
class By:
    number: strawberry.Maybe[str]
    name: strawberry.Maybe[str]


@strawberry.type
class Item:
    number: int

    @strawberry.field
    def itself(self) -> Item:
        return self

    @strawberry.field
    async def itself_later(self) -> Item:
        return self

    @strawberry.field
    def broken(self) -> int | None:
        raise RuntimeError("secret at /etc/passwd")


@strawberry.type
class Query:
    @strawberry.field
    async def echo(self, text: str = "hello") -> str:
        return text

    @strawberry.field
    def limited(self, first: int = 3) -> int | None:
        return first

    @strawberry.field
    def order(self, by: By) -> str | None:
        return by.number.value if by.number else None

    @strawberry.field
    def request_id(self, info: Info[Context, None]) -> str:
        return info.context.request_id

    @strawberry.field
    def refused(self) -> int | None:
        raise ClientError(ErrorCode.SHOP_REQUIRED, "Which shop?", shops=["acme", "beta"])

    @strawberry.field
    def must_not_be_null(self) -> int:
        raise RuntimeError("secret at /etc/passwd")

    @strawberry.field
    def items(self) -> list[Item]:
        return [Item(number=number) for number in range(3)]

    @strawberry.field
    def not_a_number(self) -> float | None:
        return float("nan")

    @strawberry.field
    def raw(self) -> JSON | None:
        return JSON({"value": float("inf")})

    @strawberry.field
    def stored(self) -> int | None:
        raise StoreUnavailable("database is locked")

    @strawberry.field
    def down(self, info: Info[Context, None], count: int = 1) -> int | None:
        info.context.met += [down(("down", index)) for index in range(count)]
        return None

    @strawberry.field
    def stale(self, info: Info[Context, None]) -> int | None:
        info.context.fresh_for = None
        return 1


@strawberry.type
class Mutation:
    @strawberry.field
    async def write(self) -> int:
        return 1


def context_of(request_id: str, _principal: Principal) -> Context:
    return Context(request_id)


def pipeline(*, production: bool = False) -> Pipeline:
    return Pipeline(strawberry.Schema(Query, Mutation), context_of, production=production)


async def run(
    query: str, variables: dict[str, Any] | None = None, operation: str | None = None, *, production: bool = False
) -> Answer:
    request = GraphQLRequest(query, variables, operation)
    return await pipeline(production=production).run(
        request, request_id="request-1", principal=ANYONE, queries_only=False
    )


async def the_error(query: str, variables: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    answer = await run(query, variables, **options)
    [error] = answer.body["errors"]
    return dict(error)


async def test_an_answer_without_errors_has_data_alone_and_the_age_of_its_parts() -> None:
    assert await run('{ echo(text: "hi") requestId }') == Answer(
        b'{"data":{"echo":"hi","requestId":"request-1"}}', executed=True, max_age=FRESH_FOR
    )


async def test_variables_reach_the_resolver() -> None:
    assert (await run("query ($t: String!) { echo(text: $t) }", {"t": "hi"})).body == {"data": {"echo": "hi"}}


@pytest.mark.parametrize(
    ("query", "variables", "operation", "code"),
    [
        ("{", None, None, "GRAPHQL_PARSE_FAILED"),
        ("{ unknown }", None, None, "GRAPHQL_VALIDATION_FAILED"),
        ("query ($t: String!) { echo(text: $t) }", None, None, "BAD_USER_INPUT"),
        ("query ($t: String!) { echo(text: $t) }", {"t": 1}, None, "BAD_USER_INPUT"),
        ("query ($b: By!) { order(by: $b) }", {"b": {}}, None, "BAD_USER_INPUT"),
        ("query ($b: By!) { order(by: $b) }", {"b": {"number": "1", "name": "2"}}, None, "BAD_USER_INPUT"),
        ("query ($b: By!) { order(by: $b) }", {"b": {"number": None}}, None, "BAD_USER_INPUT"),
        ("query A { echo } query B { echo }", None, None, "OPERATION_NAME_REQUIRED"),
        ("query A { echo } query B { echo }", None, "C", "OPERATION_NOT_FOUND"),
        ("{ echo }", None, "A", "OPERATION_NOT_FOUND"),
    ],
)
async def test_a_request_that_is_not_executed_has_a_code_and_no_data(
    query: str, variables: dict[str, Any] | None, operation: str | None, code: str
) -> None:
    answer = await run(query, variables, operation)
    assert not answer.executed
    assert answer.max_age is None
    assert "data" not in answer.body
    assert {error["extensions"]["code"] for error in answer.body["errors"]} == {code}


async def test_operation_name_picks_one_of_several() -> None:
    text = 'query A { echo } query B { b: echo(text: "b") } mutation C { write }'
    assert (await run(text, operation="B")).body == {"data": {"b": "b"}}
    assert (await run(text, operation="C")).body == {"data": {"write": 1}}


async def test_a_mutation_is_refused_where_only_queries_run() -> None:
    request = GraphQLRequest("query A { echo } mutation B { write }", None, "B")
    with pytest.raises(QueryRequired):
        await pipeline().run(request, request_id="1", principal=ANYONE, queries_only=True)


async def test_a_mutation_is_never_kept() -> None:
    assert (await run("mutation { write }")).max_age is None


@pytest.mark.parametrize("query", ["{ stale }", "{ refused }", "{ down }"])
async def test_an_answer_with_an_error_or_a_part_that_must_not_be_kept_is_not_kept(query: str) -> None:
    assert (await run(query)).max_age is None


async def test_a_client_error_reaches_the_client_as_it_is() -> None:
    error = await the_error("{ refused echo }")
    assert error == {
        "message": "Which shop?",
        "locations": [{"line": 1, "column": 3}],
        "path": ["refused"],
        "extensions": {"code": "SHOP_REQUIRED", "shops": ["acme", "beta"]},
    }


async def test_an_argument_refused_during_execution_is_bad_user_input() -> None:
    error = await the_error("query ($n: Int) { limited(first: $n) }", {"n": None})
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    assert error["path"] == ["limited"]


async def test_anything_else_is_masked_and_logged_once_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    answer = await run("{ items { number broken } }")
    errors = answer.body["errors"]
    assert answer.body["data"]["items"][2] == {"number": 2, "broken": None}
    assert [error["path"] for error in errors] == [["items", index, "broken"] for index in range(3)]
    assert {error["message"] for error in errors} == {"Internal error"}
    assert errors[0]["extensions"] == {"code": "INTERNAL_ERROR", "requestId": "request-1"}
    assert "secret" not in str(answer.body)
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], RuntimeError)
    assert record.exc_info[1].__traceback__ is not None
    assert getattr(record, "request_id", None) == "request-1"


async def test_a_store_that_cannot_be_used_has_a_code_and_is_logged_without_a_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = await the_error("{ stored }")
    assert error["extensions"] == {"code": "STORE_UNAVAILABLE", "retryable": True}
    assert "locked" not in str(error)
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.getMessage() == "the store cannot be used at stored: database is locked"
    assert record.exc_info is None


async def test_an_error_that_voids_the_whole_answer_still_counts_as_executed() -> None:
    answer = await run("{ mustNotBeNull }")
    assert answer.executed
    assert answer.body["data"] is None
    assert answer.body["errors"][0]["extensions"]["code"] == "INTERNAL_ERROR"


async def test_a_float_that_json_has_no_word_for_is_null_with_an_error() -> None:
    answer = await run("{ notANumber echo }")
    assert answer.body["data"] == {"notANumber": None, "echo": "hello"}
    assert answer.body["errors"][0]["extensions"]["code"] == "INTERNAL_ERROR"


async def test_a_provider_failure_is_one_error_with_its_first_paths() -> None:
    error = await the_error("{ down(count: 30) }")
    assert error == {
        "message": "The provider did not answer in time.",
        "path": ["down", 0],
        "extensions": {
            "code": "PROVIDER_TIMEOUT",
            "provider": "karla",
            "retryable": True,
            "count": 30,
            "paths": [["down", index] for index in range(MAX_PATHS)],
        },
    }


async def test_provider_failures_are_told_apart_by_provider_and_code() -> None:
    failures = [down(("a",)), down(("b",), provider="paypal"), down(("c",), code="PROVIDER_FAILED"), down(("d",))]

    def context(request_id: str, _principal: Principal) -> Context:
        return Context(request_id, list(failures))

    answer = await Pipeline(strawberry.Schema(Query), context, production=True).run(
        GraphQLRequest("{ echo }"), request_id="1", principal=ANYONE, queries_only=True
    )
    told = [(error["extensions"]["provider"], error["extensions"]["paths"]) for error in answer.body["errors"]]
    assert told == [("karla", [["a"], ["d"]]), ("paypal", [["b"]]), ("karla", [["c"]])]


async def test_at_most_five_errors_about_variables_are_told() -> None:
    names = [f"v{number}" for number in range(10)]
    defined = ", ".join(f"${name}: Int!" for name in names)
    used = " ".join(f"{name}: limited(first: ${name})" for name in names)
    query = f"query ({defined}) {{ {used} }}"
    answer = await run(query, dict.fromkeys(names, "x"))
    assert len(answer.body["errors"]) == 5


@pytest.mark.parametrize("name", ["itself", "itselfLater"])
async def test_the_deepest_document_that_is_taken_can_be_executed(name: str) -> None:
    levels = MAX_NESTING - 2
    query = "{ items {" + f" {name} {{" * levels + " number " + "}" * levels + "} }"
    generous = Pipeline(
        strawberry.Schema(Query), context_of, production=False, limits=LimitSettings(depth=60, cost=10**9)
    )
    answer = await generous.run(GraphQLRequest(query), request_id="1", principal=ANYONE, queries_only=False)
    assert answer.executed
    assert "errors" not in answer.body


async def test_a_message_does_not_repeat_what_is_long() -> None:
    error = await the_error("{ limited(first: " + "[" * 100 + "]" * 100 + ") }")
    assert len(error["message"]) <= 501


async def test_production_suggests_nothing_about_variables() -> None:
    query, variables = "query ($b: By!) { order(by: $b) }", {"b": {"numbr": "1"}}
    assert "Did you mean" in str((await run(query, variables)).body)
    assert "Did you mean" not in str((await run(query, variables, production=True)).body)


async def test_introspection_says_which_inputs_are_one_of() -> None:
    assert (await run('{ __type(name: "By") { isOneOf } }')).body == {"data": {"__type": {"isOneOf": True}}}
