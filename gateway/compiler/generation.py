"""From an operation to Python: one function for each selection set on each object type, each list and each interface.

A field is an expression in a dict literal, in the order of the answer. An object below it is made by statements before
the literal where it is short, and else by a function. A field that may have to be awaited is null at first, and a
statement after the literal puts it off.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from itertools import count
from typing import Any, Final, cast

import orjson
from graphql import (
    GraphQLAbstractType,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    OperationDefinitionNode,
    default_field_resolver,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
)
from graphql.pyutils import Path

from gateway.compiler.abstract import has_own_check, looks_at_run, object_checker, type_teller, types_by_class
from gateway.compiler.arguments import Arguments, coerced_arguments, resolver_arguments, variables_in
from gateway.compiler.code import OWN, Body, Code, Place, Scope, Value, parameters
from gateway.compiler.emission import INDENT, Emission, assigned
from gateway.compiler.errors import NotCompilable, Odd
from gateway.compiler.infos import Infos, RawInfo
from gateway.compiler.keys import values_of
from gateway.compiler.known import KnownTypes
from gateway.compiler.leaves import Leaf
from gateway.compiler.needs import INFO, Needs, all_needs
from gateway.compiler.options import REFUSED, Gate, Options
from gateway.compiler.records import is_record
from gateway.compiler.resolvers import Call, Default, Read, Resolver, may_be_awaited, resolver_of
from gateway.compiler.selections import FieldNodes, Selections
from gateway.compiler.strawberry_own import CAST
from gateway.compiler.values import discard_all, is_plain, iterable

LEAST_READS: Final = 3
"""Members of an owner from which it is read as a record; for fewer, taking its dict costs more than it saves."""

MOST_OBJECTS: Final = 1_000
"""Selection sets on object types in one program. Where interfaces stand below interfaces, they multiply."""

_piece_ids = count(1)


class Generator:
    """Writes the functions of one operation, under one set of conditions and gates.

    `is_open` tells of each gate whether it is open. After `write`, `root` is the function that answers the operation;
    `coordinates` and `gates` hold what it reads, and which gates stand before that.
    """

    def __init__(
        self, types: KnownTypes, options: Options, selections: Selections, infos: Infos, is_open: Callable[[Gate], bool]
    ) -> None:
        self.emission = Emission()
        self.root = Code("")
        self.coordinates: set[str] = set()
        self.gates: dict[Gate, None] = {}
        self._types = types
        self._options = options
        self._selections = selections
        self._infos = infos
        self._is_open = is_open
        self._objects: dict[Hashable, Body | Code] = {}
        self.emission.define("Path", Path)

    def write(self, operation: OperationDefinitionNode) -> None:
        """Write the functions of a query. Raises NotCompilable."""
        type_ = self._types.schema.query_type
        assert type_ is not None  # as every schema of Strawberry has it
        body = self._object_body(type_, self._selections.of_operation(operation, type_), is_checked=True)
        self.root = self._function_of(body)

    # Objects

    def _object(self, type_: GraphQLObjectType, nodes: FieldNodes) -> Body | Code:
        """What makes of an object of `type_` what `nodes` select on it: code, or a function with the check in it."""
        identity = (type_.name, *map(id, nodes))
        if identity not in self._objects:
            self._objects[identity] = self._new_object(type_, self._selections.below(nodes, type_))
        return self._objects[identity]

    def _new_object(self, type_: GraphQLObjectType, fields: Mapping[str, FieldNodes]) -> Body | Code:
        body = self._object_body(type_, fields, is_checked=False)
        is_piece = self._options.pieces is not None and type_.name in self._options.piece_keys
        return self._piece(type_, body) if is_piece and body.needs.can_be_kept else body

    def _admission(self, type_: GraphQLObjectType, source: str) -> tuple[str, ...]:
        """Statements that let only objects of `type_` pass. Where the application checks them, it has."""
        known = self.emission.constant(self._types.known(type_), "known")
        admit = self.emission.constant(self._types.admission(type_), "admit")
        condition = f"{source}.__class__ not in {known}"
        if type_.is_type_of is not None and not has_own_check(type_):
            condition += f" or hasattr({source}, {CAST!r})"
        return f"if {condition}:", f"{INDENT}{admit}({source})"

    def _object_body(self, type_: GraphQLObjectType, fields: Mapping[str, FieldNodes], *, is_checked: bool) -> Body:
        if len(self._objects) > MOST_OBJECTS:
            raise NotCompilable("too large")
        scope = Scope(self.emission, self._records(type_, fields))
        check = () if is_checked else self._check(scope, type_)
        members = [(key, self._field(scope, type_, key, nodes)) for key, nodes in fields.items()]
        needs = all_needs(code.needs for _, code in members)
        literal = tuple(f"{INDENT}{key!r}: {code.text}," for key, code in members)
        return Body(scope.source, check, tuple(scope.before), literal, tuple(scope.after), needs)

    def _check(self, scope: Scope, type_: GraphQLObjectType) -> tuple[str, ...]:
        """Statements that let only objects of `type_` pass; none where reading it as a record does so."""
        if OWN in scope.records:
            scope.open(OWN)
            return ()
        return self._admission(type_, scope.source)

    def _records(self, type_: GraphQLObjectType, fields: Mapping[str, FieldNodes]) -> dict[str, type]:
        """The owners of `fields` that are read as records, by dotted name; the object itself is "" among them."""
        reads = Counter(owner for key, nodes in fields.items() for owner in self._owner_read(type_, nodes))
        return {owner: cls for owner, count in reads.items() if (cls := self._record(type_, owner, count))}

    def _owner_read(self, type_: GraphQLObjectType, nodes: FieldNodes) -> Iterator[str]:
        """The owner that a field is read from, if it is."""
        name = nodes[0].name.value
        definition = type_.fields.get(name)
        if definition is not None:
            is_gated = self._options.gates(type_.name, name) is not None
            resolver = resolver_of(definition, self._types.converter, is_gated=is_gated)
            if isinstance(resolver, Read):
                yield resolver.owner

    def _record(self, type_: GraphQLObjectType, owner: str, reads: int) -> type | None:
        """The class of an owner that is worth being read as a record."""
        if owner == OWN:
            cls = self._options.records.get(type_.name) if type_.is_type_of is None else None
        else:
            cls = self._options.records.get(f"{type_.name}.{owner}") if reads >= LEAST_READS else None
        return cls if cls is not None and is_record(cls) else None

    def _function_of(self, body: Body, *, is_checked: bool = False) -> Code:
        """The function for a body; `is_checked` when it is called for objects of its type alone."""
        lines = body.function(is_checked=is_checked)
        return Code(self.emission.function("object", parameters(body.source, body.needs), lines), body.needs)

    def _checked(self, body: Body) -> Code:
        """A function for any value, in front of the one for objects of its type alone."""
        lines = [*body.check, f"return {self._function_of(body, is_checked=True).call(body.source, 'p')}"]
        return Code(self.emission.function("checked", parameters(body.source, body.needs), lines), body.needs)

    def _piece(self, type_: GraphQLObjectType, body: Body) -> Code:
        """The function that answers an object by its encoded piece, which is made when there is none."""
        o, made = body.source, self._function_of(body, is_checked=True).call(body.source, "p")
        pieces = self._options.pieces
        assert pieces is not None
        name = self.emission.constant
        key_of = name(self._options.piece_keys[type_.name], "key_of")
        values = f"{name(values_of(body.needs.variables), 'values')}(r.variables)" if body.needs.variables else "()"
        lines = [
            *body.check,
            f"k = {key_of}({o}, r.context)",
            f"values = {values}",
            "if k is None or values is None:",
            f"{INDENT}return {made}",
            f"k = ({next(_piece_ids)}, k, values)",
            f"piece = {name(pieces.find, 'find')}(k)",
            "if piece is None:",
            f"{INDENT}piece = {name(orjson.dumps, 'dumps')}({made})",
            f"{INDENT}{name(pieces.keep, 'keep')}(k, piece)",
            f"return {name(orjson.Fragment, 'Fragment')}(piece)",
        ]
        return Code(self.emission.function("piece", parameters(o, body.needs), lines), body.needs)

    # Fields

    def _field(self, scope: Scope, type_: GraphQLObjectType, key: str, nodes: FieldNodes) -> Code:
        """The expression for one field in the dict literal."""
        name = nodes[0].name.value
        if name == "__typename":
            return Code(repr(type_.name))
        if name.startswith("__"):
            raise NotCompilable("introspection")
        definition = type_.fields.get(name)
        if definition is None:
            raise NotCompilable("an unknown field")
        coordinate = f"{type_.name}.{name}"
        self.coordinates.add(coordinate)
        place = Place(type_, key, nodes, definition)
        gate = self._options.gates(type_.name, name)
        if gate is not None:
            self.gates[gate] = None
            closed = self._closed(gate, place)
            if not self._is_open(gate):
                return closed
        resolver = resolver_of(definition, self._types.converter, is_gated=gate is not None)
        code = self._resolved(scope, place, resolver)
        return Code(code.text, code.needs | Needs(volatile=coordinate in self._options.volatile))

    def _closed(self, gate: Gate, place: Place) -> Code:
        """What a field behind a closed gate answers."""
        otherwise, type_ = gate.otherwise, place.field.type
        if otherwise is REFUSED or (otherwise is None and isinstance(type_, GraphQLNonNull)):
            return Code(f"{self.emission.constant(_refuse, 'refuse')}()", Needs(info=True))
        if otherwise is None:
            return Code("None")
        if otherwise in ([], ()) and isinstance(get_nullable_type(type_), GraphQLList):
            return Code("[]")
        raise NotCompilable("a gate whose answer does not fit its field")

    def _resolved(self, scope: Scope, place: Place, resolver: Resolver) -> Code:
        match resolver:
            case Read(member):
                return self._now(scope, place, scope.read(member))
            case Default(function, name):
                default = self.emission.constant(function, "default")
                return self._now(scope, place, Value(f"{default}({scope.source}, {name!r})"))
            case Call() if resolver.definition.is_async:
                return self._put_off(scope, place, self._call(scope.source, place, resolver), "later")
            case Call() if may_be_awaited(resolver.definition):
                return self._put_off(scope, place, self._call(scope.source, place, resolver), "settle")
            case Call():
                return self._now(scope, place, self._call(scope.source, place, resolver))
            case _:
                return self._put_off(scope, place, self._whole(scope.source, place), "settle")

    def _now(self, scope: Scope, place: Place, value: Value) -> Code:
        """A field that is completed where it stands."""
        completed = self._completed(place.field.type, value, place.path, place, scope.before)
        return Code(completed.text, value.needs | completed.needs)

    def _put_off(self, scope: Scope, place: Place, value: Code, how: str) -> Code:
        """A field that may have to be awaited: null at first."""
        before: list[str] = []
        completed = self._completed(place.field.type, Value("v"), "p", place, before)
        complete = self.emission.function("complete", "v, r, p", [*before, f"return {completed.text}"])
        path = place.path if completed.needs.path else "None"
        scope.after.append(f"r.{how}({value.text}, d, {place.key!r}, {complete}, {path})")
        return Code("None", value.needs | completed.needs | Needs(awaits=True))

    def _call(self, source: str, place: Place, call: Call) -> Value:
        """The call of a user's function."""
        resolver = call.resolver
        arguments = resolver_arguments(place.field, call.definition, place.nodes[0], self._types.converter)
        passed = [source] if resolver.self_parameter else []
        needs = Needs(variables=arguments.variables)
        passed += [f"{p.name}={source}" for p in (resolver.parent_parameter, resolver.root_parameter) if p]
        info = "None"
        if resolver.info_parameter or arguments.take_info:
            make = self._infos.strawberry(self._raw_info(place), call.definition)
            info = f"{self.emission.constant(make, 'info')}(r, {place.path})"
            needs |= INFO
        passed += self._passed(arguments, info if arguments.take_info else "None")
        if resolver.info_parameter:
            passed.append(f"{resolver.info_parameter.name}={info}")
        return Value(f"{self.emission.constant(resolver.wrapped_func, 'resolve')}({', '.join(passed)})", needs)

    def _passed(self, arguments: Arguments, info: str) -> list[str]:
        if arguments.made is not None:
            return [f"**{self.emission.constant(arguments.made, 'arguments')}(r.variables, {info})"]
        fixed = arguments.fixed or {}
        return [f"{name}={self.emission.constant(value, 'argument')}" for name, value in fixed.items()]

    def _whole(self, source: str, place: Place) -> Code:
        """The call of `field.resolve` as graphql-core calls it."""
        resolve = place.field.resolve or default_field_resolver
        passed = [source, f"{self.emission.constant(self._raw_info(place), 'info')}(r, {place.path})"]
        node = place.nodes[0]
        if place.field.args:
            passed.append(f"**{self.emission.constant(coerced_arguments(place.field, node), 'arguments')}(r.variables)")
        text = f"{self.emission.constant(resolve, 'resolve')}({', '.join(passed)})"
        return Code(text, INFO | Needs(variables=variables_in(node)))

    def _raw_info(self, place: Place) -> RawInfo:
        return self._infos.raw(place.parent, place.field, place.nodes)

    # Values

    def _completed(self, type_: GraphQLOutputType, value: Value, path: str, place: Place, before: list[str]) -> Code:
        """An expression that completes `value`, of `type_`, behind the statements that it adds to `before`."""
        is_required = isinstance(type_, GraphQLNonNull)
        inner = cast(GraphQLOutputType, get_nullable_type(type_))
        if is_leaf_type(inner):
            leaf, name = self._leaf(inner), self._variable_for(value)
            return Code(leaf.completed(value.text, name, value.promise, is_required=is_required))
        made = self._composite(inner, place)
        if isinstance(made, Body):
            if made.fits_inline:
                before += _in_place(made, value.text, is_required=is_required)
                return Code(made.source, made.needs)
            made = self._function_of(made)
        if is_required:
            return Code(made.call(value.text, path), made.needs)
        name = self._variable_for(value)
        return Code(f"None if {assigned(value.text, name)} is None else {made.call(name, path)}", made.needs)

    def _variable_for(self, value: Value) -> str:
        """A variable for a value, which it may be already."""
        return value.text if value.text.isidentifier() else self.emission.name("v")

    def _composite(self, type_: GraphQLOutputType, place: Place) -> Body | Code:
        """What completes a value of a type with something below it, which is not null."""
        if isinstance(type_, GraphQLList):
            return self._list(type_, place)
        if is_abstract_type(type_):
            return self._abstract(type_, place)
        assert isinstance(type_, GraphQLObjectType)
        made = self._object(type_, place.nodes)
        return self._asked(type_, made, place) if has_own_check(type_) else made

    def _asked(self, type_: GraphQLObjectType, made: Body | Code, place: Place) -> Code:
        """`made`, after the application was asked whether the value is an object of `type_`."""
        function = self._function_of(made) if isinstance(made, Body) else made
        check = self.emission.constant(object_checker(type_, self._raw_info(place)), "check")
        body = [f"{check}(v, r, p)", f"return {function.call('v', 'p')}"]
        needs = function.needs | INFO
        return Code(self.emission.function("asked", parameters("v", needs), body), needs)

    def _leaf(self, type_: GraphQLOutputType) -> Leaf:
        return self._types.leaves.leaf(cast(GraphQLLeafType, type_), self.emission)

    def _list(self, type_: GraphQLList[Any], place: Place) -> Code:
        before: list[str] = []
        item = self._completed(type_.of_type, Value("i"), "Path(p, n, None)", place, before)
        each = "n, i in enumerate(v)" if item.needs.path else "i in v"
        body = [
            "if v.__class__ is not list and v.__class__ is not tuple:",
            f"{INDENT}v = {self.emission.constant(iterable, 'iterable')}(v)",
        ]
        if before:
            made = ["made = []", f"for {each}:", *_indented([*before, f"made.append({item.text})"]), "return made"]
        else:
            made = [f"return [{item.text} for {each}]"]
        discard = self.emission.constant(discard_all, "discard")
        body += ["try:", *_indented(made), "except BaseException:", f"{INDENT}{discard}(v)", f"{INDENT}raise"]
        return Code(self.emission.function("items", parameters("v", item.needs), body), item.needs)

    def _abstract(self, type_: GraphQLAbstractType, place: Place) -> Code:
        """The function that finds the object type of a value and goes on with that type's function."""
        possible = tuple(self._types.schema.get_possible_types(type_))
        made = {one.name: self._object(one, place.nodes) for one in possible}
        needs = all_needs(one.needs for one in made.values())
        if looks_at_run(type_, possible):
            needs |= INFO
        by_class, by_name = self.emission.name("by_class"), self.emission.name("by_name")
        sure = ((cls, one) for cls, one in types_by_class(type_, possible) if is_plain(cls, self._types.plain))
        self.emission.table(
            by_name, ((repr(name), self._aligned(self._for_any(one), needs)) for name, one in made.items())
        )
        self.emission.table(
            by_class,
            (
                (self.emission.constant(cls, "cls"), self._aligned(self._for_its_own(made[one.name]), needs))
                for cls, one in sure
            ),
        )
        tell = self.emission.constant(type_teller(type_, self._types.schema, self._raw_info(place)), "type_of")
        path = "p" if needs.path else "None"
        body = [
            f"f = {by_class}.get(type(v))",
            f"if f is None or hasattr(v, {CAST!r}):",
            f"{INDENT}f = {by_name}[{tell}(v, r, {path})]",
            f"return {Code('f', needs).call('v', 'p')}",
        ]
        return Code(self.emission.function("abstract", parameters("v", needs), body), needs)

    def _for_any(self, made: Body | Code) -> Code:
        """The function for whatever is said to be an object of the type."""
        return self._checked(made) if isinstance(made, Body) else made

    def _for_its_own(self, made: Body | Code) -> Code:
        """The function for what surely is one."""
        return self._function_of(made, is_checked=True) if isinstance(made, Body) else made

    def _aligned(self, function: Code, needs: Needs) -> str:
        """The name of a function that takes a path when `needs` says so."""
        if function.needs.path or not needs.path:
            return function.text
        return self.emission.function("pathless", "v, r, p", [f"return {function.text}(v, r)"])


def _in_place(body: Body, value: str, *, is_required: bool) -> list[str]:
    """Statements that leave in the variable of `body` what it makes of `value`."""
    lines = body.inline()
    if not is_required:
        lines = [f"if {body.source} is not None:", *_indented(lines)]
    return [f"{body.source} = {value}", *lines]


def _indented(lines: Iterable[str]) -> list[str]:
    return [INDENT + line for line in lines]


def _refuse() -> None:
    raise Odd("a field behind a closed gate")
