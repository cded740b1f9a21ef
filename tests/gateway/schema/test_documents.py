"""Documents are bounded, validated once, and refused with errors that carry codes."""

from __future__ import annotations

import pytest
import strawberry
from graphql import GraphQLSchema, get_introspection_query

from gateway.schema.documents import MAX_ERRORS, Documents, RequestRefused
from gateway.schema.settings import LimitSettings


@strawberry.input(one_of=True)
class By:
    number: strawberry.Maybe[str]
    name: strawberry.Maybe[str]


@strawberry.type
class Order:
    number: str

    @strawberry.field
    def again(self) -> Order:
        return self


@strawberry.type
class Query:
    @strawberry.field
    def order(self, by: By) -> Order | None:
        return Order(number=by.number.value) if by.number else None

    @strawberry.field
    def first_order(self) -> Order:
        return Order(number="1")


def core_schema() -> GraphQLSchema:
    return strawberry.Schema(Query)._schema


@pytest.fixture
def documents() -> Documents:
    return Documents(core_schema(), production=False)


@pytest.fixture
def production() -> Documents:
    return Documents(core_schema(), production=True)


async def refusal(documents: Documents, text: str) -> tuple[list[str], list[str]]:
    """Codes and messages with which `text` is refused."""
    with pytest.raises(RequestRefused) as raised:
        await documents.load(text)
    errors = raised.value.errors
    return [error.extensions["code"] for error in errors if error.extensions], [error.message for error in errors]


def nested(levels: int) -> str:
    return "{ firstOrder {" + " again {" * levels + " number " + "}" * levels + "} }"


async def test_a_valid_document_is_parsed_once(documents: Documents) -> None:
    assert await documents.load("{ firstOrder { number } }") is await documents.load("{ firstOrder { number } }")


async def test_the_longest_unused_document_is_forgotten_when_room_runs_out() -> None:
    documents = Documents(core_schema(), production=False, remembered_characters=300)
    first = await documents.load("{ firstOrder { number } }")
    texts = [f"{{ alias{number}: firstOrder {{ number }} }}" for number in range(10)]
    for text in texts:
        await documents.load(text)
    assert await documents.load(texts[-1]) is await documents.load(texts[-1])
    assert await documents.load("{ firstOrder { number } }") is not first


async def test_a_document_that_would_push_out_the_others_is_not_remembered() -> None:
    documents = Documents(core_schema(), production=False, remembered_characters=300)
    long = "{ firstOrder { number } }" + " " * 100
    assert await documents.load(long) is not await documents.load(long)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "GRAPHQL_PARSE_FAILED"),
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ firstOrder { number }", "GRAPHQL_PARSE_FAILED"),
        ("{ a " * 5_000, "GRAPHQL_PARSE_FAILED"),
        ("{ order(by: " + "[" * 100_000, "GRAPHQL_PARSE_FAILED"),
        ("{ order(by: {number: " + "[" * 2_000_000, "GRAPHQL_PARSE_FAILED"),
        ("{" + " firstOrder { number }" * 3_000 + "}", "QUERY_LIMIT_EXCEEDED"),
        ("#\n" * 5_000 + "{ firstOrder { number } }", "GRAPHQL_PARSE_FAILED"),
        ('{ order(by: {number: "\\ud800"}) { number } }', "GRAPHQL_PARSE_FAILED"),
        (nested(14), "QUERY_LIMIT_EXCEEDED"),
        ("{ unknown }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ firstOrder }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { firstOrder { number } }", "GRAPHQL_VALIDATION_FAILED"),
        ("type Query { a: Int }", "GRAPHQL_VALIDATION_FAILED"),
        ('{ order(by: {number: "1", name: "2"}) { number } }', "GRAPHQL_VALIDATION_FAILED"),
        ("{ order(by: {number: null}) { number } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ order(by: {number: $undefined}) { number } }", "GRAPHQL_VALIDATION_FAILED"),
        ("fragment A on Order { ...A } { firstOrder { ...A } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ firstOrder {" + " number" * 2_000 + "} }", "GRAPHQL_VALIDATION_FAILED"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else value,
)
async def test_a_document_that_cannot_be_executed_is_refused_with_a_code(
    documents: Documents, text: str, code: str
) -> None:
    codes, messages = await refusal(documents, text)
    assert set(codes) == {code}
    assert all(messages)


async def test_at_most_five_errors_are_told(documents: Documents) -> None:
    codes, messages = await refusal(documents, "{ a b c d e f g h i j }")
    assert len(codes) == MAX_ERRORS
    assert "Too many" in messages[-1]


async def test_a_remembered_document_is_held_to_the_limits_each_time(documents: Documents) -> None:
    text = f"query Flat {{ firstOrder {{ number }} }} query Deep {nested(14)}"
    assert await documents.load(text, "Flat") is await documents.load(text, "Flat")
    with pytest.raises(RequestRefused):
        await documents.load(text, "Deep")


async def test_what_is_not_run_is_held_to_no_limit_but_must_be_valid(documents: Documents) -> None:
    assert await documents.load(f"query Flat {{ firstOrder {{ number }} }} query Deep {nested(14)}", "Flat")
    with pytest.raises(RequestRefused) as raised:
        await documents.load("query Flat { firstOrder { number } } query Wrong { unknown }", "Flat")
    assert "unknown" in str(raised.value)


async def test_limits_come_before_validation(documents: Documents) -> None:
    codes, _ = await refusal(documents, "{" + " unknown {" * 15 + " number " + "}" * 15 + "}")
    assert codes == ["QUERY_LIMIT_EXCEEDED"]


async def test_a_fragment_that_contains_itself_is_named(documents: Documents) -> None:
    text = "{ firstOrder { ...A } } fragment A on Order { ...B } fragment B on Order { again { ...A } }"
    codes, [message] = await refusal(documents, text)
    assert codes == ["GRAPHQL_VALIDATION_FAILED"]
    assert message in {"The fragment 'A' contains itself.", "The fragment 'B' contains itself."}


async def test_the_same_fields_can_be_selected_by_thirty_fragments(documents: Documents) -> None:
    used = " ".join(f"...F{n}" for n in range(30))
    fragments = " ".join(
        f"fragment F{n} on Order {{ number again {{ number again {{ number }} }} }}" for n in range(30)
    )
    assert await documents.load(f"{{ firstOrder {{ {used} }} }} {fragments}")


async def test_a_field_that_is_repeated_without_end_is_given_up(documents: Documents) -> None:
    codes, [message] = await refusal(documents, "{ firstOrder {" + " again { number }" * 400 + "} }")
    assert codes == ["GRAPHQL_VALIDATION_FAILED"]
    assert "too much work to validate" in message


async def test_tokens_are_limited_as_settings_say() -> None:
    documents = Documents(core_schema(), production=False, limits=LimitSettings(tokens=100))
    assert await documents.load("{ firstOrder {" + " number" * 95 + "} }")
    with pytest.raises(RequestRefused) as raised:
        await documents.load("{ firstOrder {" + " number" * 96 + "} }")
    [error] = raised.value.errors
    assert error.extensions == {"code": "QUERY_LIMIT_EXCEEDED", "limit": "tokens", "allowed": 100, "found": 101}


async def test_a_fragment_before_its_operation_may_use_a_variable_in_a_one_of_input(documents: Documents) -> None:
    text = "fragment F on Query { order(by: {number: $n}) { number } } query ($n: String!) { ...F }"
    assert await documents.load(text)


async def test_introspection_works_in_development(documents: Documents) -> None:
    assert await documents.load(get_introspection_query(input_value_deprecation=True))


async def test_production_refuses_introspection_with_a_code_of_its_own(production: Documents) -> None:
    codes, _ = await refusal(production, '{ __schema { types { name } } a: __type(name: "Order") { name } }')
    assert codes == ["INTROSPECTION_DISABLED", "INTROSPECTION_DISABLED"]


async def test_production_answers_typename(production: Documents) -> None:
    assert await production.load("{ __typename firstOrder { __typename } }")


async def test_only_development_suggests_names(documents: Documents, production: Documents) -> None:
    for text in ("{ firstOrdr { number } }", '{ order(by: {numbr: "1"}) { number } }', "query ($b: Bye) { a }"):
        _, told = await refusal(documents, text)
        _, told_in_production = await refusal(production, text)
        assert any("Did you mean" in message for message in told)
        assert not any("Did you mean" in message for message in told_in_production)
