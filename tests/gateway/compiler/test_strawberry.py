"""What Strawberry can do to fields, types and arguments: a compiled query answers what Strawberry does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum, Flag
from typing import Annotated, Any, Generic, NewType, TypeVar
from uuid import UUID

import pytest
import strawberry
from graphql import Undefined, parse, validate
from strawberry import relay
from strawberry.permission import BasePermission
from strawberry.schema.config import StrawberryConfig
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from tests.gateway.compiler.reference import answer, compiled, reference

T = TypeVar("T")


class Access(Flag):
    READ = 1
    WRITE = 2


class Grade(Enum):
    GOOD = "good"
    FINE = "good"  # an alias
    BAD = "bad"


strawberry.enum(Access)
strawberry.enum(Grade)


@strawberry.interface
class Shape:
    name: str

    @strawberry.field
    def kind(self) -> str:
        return type(self).__name__


@strawberry.type
class Circle(Shape):
    radius: float = 1.0


@strawberry.type(name="Quadrat")
class Square(Shape):
    side: int = 2


@strawberry.interface
class Sized:
    size: int

    @classmethod
    def resolve_type(cls, obj: Any, info: Any, _type: Any) -> str:
        assert info.path
        return "Small" if obj.size < 3 else "Large"


@strawberry.type
class Small(Sized):
    small: bool = True

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        return obj.size < 3


@strawberry.type
class Large(Sized):
    large: bool = True

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        return obj.size >= 3


@dataclass
class Row:
    """A row of some table: no Strawberry type."""

    size: int = 1
    name: str = "row"
    radius: float = 0.5


@strawberry.type
class Edge(Generic[T]):
    node: T
    cursor: str = "c"


@strawberry.type
class Ticket(relay.Node):
    number: relay.NodeID[int]
    title: str = "ticket"


@strawberry.input(one_of=True)
class Key:
    number: int | None = strawberry.UNSET
    name: str | None = strawberry.UNSET


@strawberry.input
class Tree:
    label: str
    note: str | None
    children: list[Tree] = strawberry.field(default_factory=list)


@strawberry.input
class Patch:
    title: strawberry.Maybe[str]
    note: strawberry.Maybe[str | None]
    day: date | None = None
    price: Decimal = Decimal("1.5")


class Allowed(BasePermission):
    message = "not allowed"

    def has_permission(self, source: Any, info: Any, **kwargs: Any) -> bool:  # noqa: ARG002  # as it is called
        return info.context == "allowed"


def by_function(root: Any) -> str:
    return type(root).__name__


@strawberry.type
class Query:
    plain: str = "plain"
    renamed_here: str = strawberry.field(default="renamed", name="otherName")
    function: str = strawberry.field(resolver=by_function)
    anonymous: int = strawberry.field(resolver=lambda: 3)
    allowed: str | None = strawberry.field(default="allowed", permission_classes=[Allowed])
    shapes: list[Shape] = strawberry.field(default_factory=lambda: [Circle(name="c"), Square(name="s")])
    either: list[Circle | Square] = strawberry.field(default_factory=lambda: [Square(name="s"), Circle(name="c")])
    sized: list[Sized] = strawberry.field(default_factory=lambda: [Row(1), Row(5), Small(size=2)])  # type: ignore[list-item]
    small: Small = strawberry.field(default_factory=lambda: Row(1))  # type: ignore[arg-type,return-value]
    not_small: Small | None = strawberry.field(default_factory=lambda: Row(5))  # type: ignore[arg-type,return-value]
    both: Access | None = Access.READ | Access.WRITE
    edges: list[Edge[Circle]] = strawberry.field(default_factory=lambda: [Edge(node=Circle(name="c"))])
    mixed: list[Annotated[Edge[int] | Edge[str], strawberry.union("Mixed")]] = strawberry.field(
        default_factory=lambda: [Edge(node=1), Edge(node="one")]
    )
    node: relay.Node = relay.node()
    access: list[Access | None] = strawberry.field(default_factory=lambda: [Access.READ, None])
    grades: list[list[Grade]] = strawberry.field(default_factory=lambda: [[Grade.FINE], [Grade.BAD, Grade.GOOD]])

    @strawberry.field
    def cast(self) -> list[Shape]:
        return [strawberry.cast(Circle, Row()), Circle(name="c")]  # type: ignore[list-item]

    @relay.connection(relay.ListConnection[Ticket])
    def tickets(self) -> list[Ticket]:
        return [Ticket(number=1), Ticket(number=2)]

    @strawberry.field
    def recast(self) -> list[Shape]:
        return [Circle(name="c"), strawberry.cast(Square, Circle(name="s")), Circle(name="c")]

    @strawberry.field
    def miscast(self) -> list[Circle]:
        return [Circle(name="c"), strawberry.cast(Square, Circle(name="s"))]

    @strawberry.field
    @staticmethod
    def fixed(by: int = 1) -> int:
        return by

    @strawberry.field
    @classmethod
    def of_class(cls) -> str:
        return cls.__name__

    @strawberry.field
    def parent(parent: strawberry.Parent[Query]) -> str:  # type: ignore[misc]  # noqa: N805
        return parent.plain

    @strawberry.field
    def rooted(root: Query, about: strawberry.Info) -> str:  # noqa: N805
        return root.plain + about.field_name

    @strawberry.field
    def by_key(self, key: Key) -> str:
        return repr(key)

    @strawberry.field
    def by_tree(self, tree: Tree, count: Annotated[int, strawberry.argument(name="n")] = 1) -> str:
        return repr((tree, count))

    @strawberry.field
    def patch(self, patch: Patch | None = None, grade: Grade = Grade.BAD) -> str:
        return repr((patch, grade))

    @strawberry.field
    def found(self, id: relay.GlobalID, ids: list[relay.GlobalID] | None = None) -> str:
        return repr((id, ids))

    @strawberry.field
    def uuids(self, of: list[UUID] | None = None, deep: list[list[int | None] | None] | None = None) -> str:
        return repr((of, deep))


schema = strawberry.Schema(Query, types=[Circle, Square, Small, Large])


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("{ plain otherName function anonymous fixed ofClass parent rooted }", {}),
        ("{ fixed(by: 3) other: fixed }", {}),
        ("query ($by: Int = 7) { fixed(by: $by) }", {}),
        ("query ($by: Int! = 7) { fixed(by: $by) }", {"by": 8}),
        ("query ($by: Int = 7) { fixed(by: $by) }", {"by": None}),
        ('query ($n: Int = 7) { byTree(tree: { label: "a" }, n: $n) }', {"n": None}),
        ("query ($by: Int!) { fixed(by: $by) }", {"by": 8.0}),
        ("{ allowed }", {}),
        ("{ shapes { __typename name kind ... on Circle { radius } ... on Quadrat { side } } }", {}),
        ("{ either { ... on Circle { radius name } ... on Shape { __typename } } }", {}),
        ("{ sized { __typename size ... on Small { small } ... on Large { large } } }", {}),
        ("{ small { size } }", {}),
        ("{ notSmall { size } }", {}),
        ("{ both }", {}),
        ("{ edges { node { name } cursor } }", {}),
        ("{ mixed { __typename ... on IntEdge { node } ... on StrEdge { text: node } } }", {}),
        ("{ tickets { edges { node { id title } } pageInfo { hasNextPage } } }", {}),
        ("{ cast { __typename name ... on Circle { radius } } }", {}),
        ("{ recast { __typename name } }", {}),
        ("{ miscast { __typename name } }", {}),
        ("{ access grades }", {}),
        ("{ byKey(key: { number: 1 }) }", {}),
        ("query ($n: String!) { byKey(key: { name: $n }) }", {"n": "x"}),
        ("query ($n: String!) { byKey(key: { name: $n }) }", {"n": None}),
        ("query ($n: Int!) { byKey(key: { number: $n }) }", {}),
        ("query ($n: Int! = 4) { byKey(key: { number: $n }) }", {}),
        ("query ($key: Key!) { byKey(key: $key) }", {"key": {"name": "x"}}),
        ("query ($key: Key!) { byKey(key: $key) }", {"key": {"name": "x", "number": 1}}),
        ("query ($key: Key!) { byKey(key: $key) }", {"key": {"name": None}}),
        ("query ($key: Key!) { byKey(key: $key) }", {"key": {}}),
        ('{ byTree(tree: { label: "a", children: [{ label: "b" }, { label: "c", children: [] }] }) }', {}),
        ("query ($t: Tree!) { byTree(tree: $t, n: 2) }", {"t": {"label": "a", "children": [{"label": "b"}]}}),
        ('query ($l: String!) { byTree(tree: { label: "a", children: [{ label: $l }] }) }', {"l": "b"}),
        ('query ($t: [Tree!]!) { byTree(tree: { label: "a", children: $t }) }', {"t": [{"label": "b"}]}),
        ('query ($t: [Tree!]!) { byTree(tree: { label: "a", children: $t }) }', {"t": {"label": "one"}}),
        ("query ($t: Tree!) { byTree(tree: $t) }", {"t": {"label": "a", "unknown": 1}}),
        ("query ($t: Tree!) { byTree(tree: $t) }", {"t": {"note": "n"}}),
        ("query ($t: Tree!) { byTree(tree: $t) }", {"t": {"label": None}}),
        ("query ($t: Tree!) { byTree(tree: $t) }", {}),
        ('{ byTree(tree: { label: "a", note: "n" }) }', {}),
        ('query ($n: String) { byTree(tree: { label: "a", note: $n }) }', {}),
        ('query ($n: String) { byTree(tree: { label: "a", note: $n }) }', {"n": None}),
        ("{ patch }", {}),
        ("{ patch(patch: null, grade: GOOD) }", {}),
        ('{ patch(patch: { title: "t", day: "2025-01-02" }) }', {}),
        ("query ($p: Patch) { patch(patch: $p) }", {}),
        ("query ($p: Patch) { patch(patch: $p) }", {"p": {"note": None, "price": "2"}}),
        ("query ($p: Patch, $g: Grade!) { patch(patch: $p, grade: $g) }", {"p": {"title": "t"}, "g": "BAD"}),
        ("query ($g: Grade!) { patch(grade: $g) }", {"g": "WORSE"}),
        ("query ($d: Date) { patch(patch: { day: $d }) }", {"d": "2025-01-02"}),
        ("query ($d: Date) { patch(patch: { day: $d }) }", {"d": "yesterday"}),
        ("query ($d: Date) { patch(patch: { day: $d }) }", {}),
        ('{ found(id: "VGlja2V0OjE=", ids: ["VGlja2V0OjI="]) }', {}),
        ("query ($id: ID!) { found(id: $id) }", {"id": "VGlja2V0OjE="}),
        ("query ($id: ID!) { found(id: $id) }", {"id": "nothing"}),
        ("query ($of: [UUID!]) { uuids(of: $of) }", {"of": ["b4fadda9-61f4-4041-94d2-7a01ee0082b4"]}),
        ("query ($of: [UUID!]) { uuids(of: $of) }", {"of": "b4fadda9-61f4-4041-94d2-7a01ee0082b4"}),
        ("query ($deep: [[Int]]) { uuids(deep: $deep) }", {"deep": [[1, None], None]}),
        ("query ($n: Int) { uuids(deep: [[1, $n], [$n]]) }", {"n": 5}),
        ("query ($n: Int) { uuids(deep: [[1, $n], [$n]]) }", {}),
        ("query ($deep: [[Int]] = [[1], [2]]) { uuids(deep: $deep) }", {}),
    ],
)
@pytest.mark.parametrize("context", ["allowed", "other"])
async def test_a_compiled_query_answers_what_strawberry_does(
    text: str, variables: dict[str, Any], context: str
) -> None:
    document = parse(text)
    assert not validate(schema._schema, document)
    program = compiled(schema, document)

    expected = await reference(schema, document, variables, context, Query())

    for _ in range(2):
        assert (await answer(program, variables, context, Query())).data == expected.data


async def test_another_default_resolver_is_called() -> None:
    @strawberry.type
    class Dicts:
        name: str
        inner_name: str | None

    by_item = strawberry.Schema(Dicts, config=StrawberryConfig(default_resolver=lambda source, name: source[name]))
    document = parse("{ name innerName }")
    root = {"name": "a", "inner_name": None}

    given = await answer(compiled(by_item, document), {}, None, root)

    assert given == await reference(by_item, document, {}, None, root)
    assert json.loads(given.data or b"{}") == {"name": "a", "innerName": None}


@strawberry.type
class Failure:
    message: str


class Tell(strawberry.ExceptionHandler[LookupError, Failure]):
    def handle(self, exception: LookupError, **_: Any) -> Failure:
        return Failure(message=str(exception))


@strawberry.type
class Lookups:
    @strawberry.field
    def found(self, fails: bool = False) -> Circle | Failure:
        if fails:
            raise LookupError("nothing")
        return Circle(name="c")

    @strawberry.field
    async def slowly(self, fails: bool = False) -> Circle | Failure:
        return self.found(fails)  # type: ignore[operator,no-any-return]


async def test_exception_handlers_answer_in_the_place_of_what_was_raised() -> None:
    handled = strawberry.Schema(Lookups, exception_handlers=[Tell()])
    document = parse(
        "{ found(fails: true) { __typename ... on Failure { message } } a: found { __typename } "
        "slowly { ... on Circle { name } } b: slowly(fails: true) { ... on Failure { message } } }"
    )

    expected = await reference(handled, document, {}, None, Lookups())
    given = await answer(compiled(handled, document), {}, None, Lookups())

    assert given == expected
    assert b"nothing" in (given.data or b"")


class LoudField(StrawberryField):
    """Does more than call its resolver."""

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        return str(super().get_result(source, info, args, kwargs)).upper()


class LoudResolver(StrawberryResolver[str]):
    """Does more than call its function."""

    def __call__(self, *args: str, **kwargs: Any) -> str:
        return super().__call__(*args, **kwargs).upper()


def quietly() -> str:
    return "resolved"


@strawberry.type
class Loud:
    read: str = LoudField(default="read")  # type: ignore[assignment]
    called: str = LoudField(base_resolver=StrawberryResolver(quietly))  # type: ignore[assignment]
    resolved: str = strawberry.field(resolver=LoudResolver(quietly))


async def test_fields_and_resolvers_of_the_applications_own_classes_do_what_they_do() -> None:
    loud = strawberry.Schema(Loud)
    document = parse("{ read called resolved }")

    expected = await reference(loud, document, {}, None, Loud())
    given = await answer(compiled(loud, document), {}, None, Loud())

    assert given == expected
    assert given.data == b'{"read":"READ","called":"RESOLVED","resolved":"RESOLVED"}'


@strawberry.input
class Placed:
    text: str


def place(cls: Any, value: Any, context: Any) -> str:
    """An input that builds its own value, from where it stands and what field it is for."""
    return f"{cls.__name__} {value['text']} {context.path} {context.info.path.key}"


@strawberry.type
class Places:
    @strawberry.field
    def at(self, placed: Placed, also: list[Placed] | None = None) -> str:
        return f"{placed} {also}"


async def test_inputs_that_build_their_own_value_are_told_of_the_field() -> None:
    definition: Any = Placed.__strawberry_definition__  # type: ignore[attr-defined]
    definition.from_input = place
    places = strawberry.Schema(Places)
    document = parse('query ($t: String!) { here: at(placed: { text: "a" }, also: [{ text: "b" }, { text: $t }]) }')

    expected = await reference(places, document, {"t": "c"}, None, Places())
    given = await answer(compiled(places, document), {"t": "c"}, None, Places())

    assert given == expected
    assert b"here" in (given.data or b"")


Notes = NewType("Notes", object)


@strawberry.type
class Noted:
    @strawberry.field
    def add(self, to: Notes) -> int:
        notes: Any = to
        notes["added"] = notes.get("added", 0) + 1
        return notes["added"]  # type: ignore[no-any-return]


async def test_a_resolver_may_change_what_it_is_given() -> None:
    scalars: Any = {Notes: strawberry.scalar(name="Notes", parse_value=lambda value: None if value == "" else value)}
    noted = strawberry.Schema(Noted, config=StrawberryConfig(scalar_map=scalars))
    program = compiled(noted, parse("query ($to: Notes! = {}) { add(to: $to) other: add(to: { added: 5 }) }"))

    answers = [await program.run(None, variables, Noted()) for variables in ({}, {}, {"to": {}}, {"to": {}})]

    assert answers == [b'{"add":1,"other":6}'] * 4


async def test_an_input_that_its_scalar_does_not_take_gives_the_run_up() -> None:
    scalars: Any = {Notes: strawberry.scalar(name="Notes", parse_value=lambda _value: Undefined)}
    noted = strawberry.Schema(Noted, config=StrawberryConfig(scalar_map=scalars))
    document = parse("query ($to: Notes!) { __typename add(to: $to) @skip(if: true) }")

    expected = await reference(noted, document, {"to": {}}, None, Noted())
    given = await answer(compiled(noted, document), {"to": {}}, None, Noted())

    assert given.data is expected.data is None
