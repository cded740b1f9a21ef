"""From an operation to Python: one function for each selection set on each object type, each list and each interface.

A field is an expression in a dict literal, evaluated in the order of the answer; one that
may have to be awaited is null there at first, and a statement after the literal puts it off.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
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
    VariableValues,
    default_field_resolver,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
)
from graphql.pyutils import Path

from gateway.compiler.abstract import has_own_check, looks_at_run, object_checker, type_teller, types_by_class
from gateway.compiler.arguments import Arguments, coerced_arguments, resolver_arguments, variables_in
from gateway.compiler.code import Code, Place, Scope, parameters
from gateway.compiler.emission import INDENT, Emission, assigned
from gateway.compiler.errors import NotCompilable, Odd
from gateway.compiler.infos import Infos, RawInfo
from gateway.compiler.known import KnownTypes
from gateway.compiler.needs import INFO, Needs, all_needs
from gateway.compiler.options import REFUSED, Gate, Options
from gateway.compiler.resolvers import Call, Default, Read, Resolver, resolver_of
from gateway.compiler.selections import FieldNodes, Selections
from gateway.compiler.strawberry_own import CAST
from gateway.compiler.values import iterable

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
        self._objects: dict[Hashable, Code] = {}
        self.emission.define("Path", Path)

    def write(self, operation: OperationDefinitionNode) -> None:
        """Write the functions of a query. Raises NotCompilable."""
        type_ = self._types.schema.query_type
        assert type_ is not None  # as every schema of Strawberry has it
        self.root = self._object_body(type_, self._selections.of_operation(operation, type_), check=())

    # Objects

    def _object(self, type_: GraphQLObjectType, nodes: FieldNodes) -> Code:
        """The function for what `nodes` select on an object of `type_`."""
        identity = (type_.name, *map(id, nodes))
        if identity not in self._objects:
            self._objects[identity] = self._new_object(type_, self._selections.below(nodes, type_))
        return self._objects[identity]

    def _new_object(self, type_: GraphQLObjectType, fields: Mapping[str, FieldNodes]) -> Code:
        check = self._admission(type_)
        if self._options.pieces is None or type_.name not in self._options.piece_keys:
            return self._object_body(type_, fields, check)
        body = self._object_body(type_, fields, check=())
        return self._piece(type_, body, check) if body.needs.can_be_kept else self._checked(body, check)

    def _admission(self, type_: GraphQLObjectType) -> tuple[str, ...]:
        """Statements that let only objects of `type_` pass. Where the application checks them, it has."""
        known = self.emission.constant(self._types.known(type_), "known")
        admit = self.emission.constant(self._types.admission(type_), "admit")
        condition = f"o.__class__ not in {known}"
        if type_.is_type_of is not None and not has_own_check(type_):
            condition += f" or hasattr(o, {CAST!r})"
        return f"if {condition}:", f"{INDENT}{admit}(o)"

    def _object_body(self, type_: GraphQLObjectType, fields: Mapping[str, FieldNodes], check: tuple[str, ...]) -> Code:
        if len(self._objects) > MOST_OBJECTS:
            raise NotCompilable("too large")
        scope = Scope()
        members = [(key, self._field(scope, type_, key, nodes)) for key, nodes in fields.items()]
        literal = [f"{INDENT}{key!r}: {code.text}," for key, code in members]
        needs = all_needs(code.needs for _, code in members)
        if scope.after:
            body = [*check, *scope.before, "d = {", *literal, "}", *scope.after, "return d"]
        else:
            body = [*check, *scope.before, "return {", *literal, "}"]
        return Code(self.emission.function("object", parameters("o", needs), body), needs)

    def _checked(self, body: Code, check: tuple[str, ...]) -> Code:
        lines = [*check, f"return {body.call('o', 'p')}"]
        return Code(self.emission.function("checked", parameters("o", body.needs), lines), body.needs)

    def _piece(self, type_: GraphQLObjectType, body: Code, check: tuple[str, ...]) -> Code:
        """The function that answers an object by its encoded piece, which is made when there is none."""
        pieces = self._options.pieces
        assert pieces is not None
        name = self.emission.constant
        key_of = name(self._options.piece_keys[type_.name], "key_of")
        parts = [str(next(_piece_ids)), "k"]
        if body.needs.variables:
            parts.append(f"{name(_values_of(body.needs.variables), 'values')}(r.variables)")
        lines = [
            *check,
            f"k = {key_of}(o, r.context)",
            "if k is None:",
            f"{INDENT}return {body.call('o', 'p')}",
            f"k = ({', '.join(parts)})",
            f"piece = {name(pieces.find, 'find')}(k)",
            "if piece is None:",
            f"{INDENT}piece = {name(orjson.dumps, 'dumps')}({body.call('o', 'p')})",
            f"{INDENT}{name(pieces.keep, 'keep')}(k, piece)",
            f"return {name(orjson.Fragment, 'Fragment')}(piece)",
        ]
        return Code(self.emission.function("piece", parameters("o", body.needs), lines), body.needs)

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
                return self._now(scope, place, Code(scope.read(member)))
            case Default(function, name):
                return self._now(scope, place, Code(f"{self.emission.constant(function, 'default')}(o, {name!r})"))
            case Call() if not resolver.definition.is_async:
                return self._now(scope, place, self._call(place, resolver))
            case Call():
                return self._put_off(scope, place, self._call(place, resolver), "later")
            case _:
                return self._put_off(scope, place, self._whole(place), "settle")

    def _now(self, scope: Scope, place: Place, value: Code) -> Code:
        """A field that is completed where it stands."""
        variable = scope.value()
        completed = self._completed(place.field.type, value.text, variable, place.path, place)
        return Code(completed.text, value.needs | completed.needs)

    def _put_off(self, scope: Scope, place: Place, value: Code, how: str) -> Code:
        """A field that may have to be awaited: null at first."""
        completed = self._completed(place.field.type, "v", "v", "p", place)
        complete = self.emission.function("complete", "v, r, p", [f"return {completed.text}"])
        needs = value.needs | completed.needs | Needs(awaits=True)
        path = place.path if needs.path else "None"
        scope.after.append(f"r.{how}({value.text}, d, {place.key!r}, {complete}, {path})")
        return Code("None", needs)

    def _call(self, place: Place, call: Call) -> Code:
        """The call of a user's function."""
        resolver = call.resolver
        arguments = resolver_arguments(place.field, call.definition, place.nodes[0], self._types.converter)
        passed = ["o"] if resolver.self_parameter else []
        needs = Needs(variables=arguments.variables)
        passed += [f"{p.name}=o" for p in (resolver.parent_parameter, resolver.root_parameter) if p]
        info = "None"
        if resolver.info_parameter or arguments.take_info:
            make = self._infos.strawberry(self._raw_info(place), call.definition)
            info = f"{self.emission.constant(make, 'info')}(r, {place.path})"
            needs |= INFO
        passed += self._passed(arguments, info if arguments.take_info else "None")
        if resolver.info_parameter:
            passed.append(f"{resolver.info_parameter.name}={info}")
        return Code(f"{self.emission.constant(resolver.wrapped_func, 'resolve')}({', '.join(passed)})", needs)

    def _passed(self, arguments: Arguments, info: str) -> list[str]:
        if arguments.made is not None:
            return [f"**{self.emission.constant(arguments.made, 'arguments')}(r.variables, {info})"]
        fixed = arguments.fixed or {}
        return [f"{name}={self.emission.constant(value, 'argument')}" for name, value in fixed.items()]

    def _whole(self, place: Place) -> Code:
        """The call of `field.resolve` as graphql-core calls it."""
        resolve = place.field.resolve or default_field_resolver
        passed = ["o", f"{self.emission.constant(self._raw_info(place), 'info')}(r, {place.path})"]
        node = place.nodes[0]
        if place.field.args:
            passed.append(f"**{self.emission.constant(coerced_arguments(place.field, node), 'arguments')}(r.variables)")
        text = f"{self.emission.constant(resolve, 'resolve')}({', '.join(passed)})"
        return Code(text, INFO | Needs(variables=variables_in(node)))

    def _raw_info(self, place: Place) -> RawInfo:
        return self._infos.raw(place.parent, place.field, place.nodes)

    # Values

    def _completed(self, type_: GraphQLOutputType, value: str, name: str, path: str, place: Place) -> Code:
        """An expression that completes `value`, of `type_`; `name` is the variable for it, which it may be already."""
        if isinstance(type_, GraphQLNonNull):
            inner = type_.of_type
            if is_leaf_type(inner):
                return Code(self._leaf(inner).required(value, name))
            function = self._function(inner, place)
            return Code(function.call(value, path), function.needs)
        if is_leaf_type(type_):
            return Code(self._leaf(type_).nullable(value, name))
        function = self._function(type_, place)
        return Code(f"None if {assigned(value, name)} is None else {function.call(name, path)}", function.needs)

    def _function(self, type_: GraphQLOutputType, place: Place) -> Code:
        """The function that completes a value of a type with something below it; never null."""
        if isinstance(type_, GraphQLList):
            return self._list(type_, place)
        if is_abstract_type(type_):
            return self._abstract(type_, place)
        assert isinstance(type_, GraphQLObjectType)
        function = self._object(type_, place.nodes)
        return self._asked(type_, function, place) if has_own_check(type_) else function

    def _asked(self, type_: GraphQLObjectType, function: Code, place: Place) -> Code:
        """`function`, after the application was asked whether the value is an object of `type_`."""
        check = self.emission.constant(object_checker(type_, self._raw_info(place)), "check")
        body = [f"{check}(o, r, p)", f"return {function.call('o', 'p')}"]
        needs = function.needs | INFO
        return Code(self.emission.function("asked", parameters("o", needs), body), needs)

    def _leaf(self, type_: GraphQLOutputType) -> Any:
        return self._types.leaves.leaf(cast(GraphQLLeafType, type_), self.emission)

    def _list(self, type_: GraphQLList[Any], place: Place) -> Code:
        item = self._completed(type_.of_type, "i", "i", "Path(p, n, None)", place)
        each = "n, i in enumerate(v)" if item.needs.path else "i in v"
        body = [
            "if v.__class__ is not list and v.__class__ is not tuple:",
            f"{INDENT}v = {self.emission.constant(iterable, 'iterable')}(v)",
            f"return [{item.text} for {each}]",
        ]
        return Code(self.emission.function("items", parameters("v", item.needs), body), item.needs)

    def _abstract(self, type_: GraphQLAbstractType, place: Place) -> Code:
        """The function that finds the object type of a value and goes on with that type's function."""
        possible = tuple(self._types.schema.get_possible_types(type_))
        functions = {one.name: self._object(one, place.nodes) for one in possible}
        needs = all_needs(function.needs for function in functions.values())
        if looks_at_run(type_, possible):
            needs |= INFO
        by_class, by_name = self.emission.name("by_class"), self.emission.name("by_name")
        targets = {name: self._aligned(function, needs) for name, function in functions.items()}
        self.emission.table(by_name, ((repr(name), target) for name, target in targets.items()))
        self.emission.table(
            by_class,
            ((self.emission.constant(cls, "cls"), targets[one.name]) for cls, one in types_by_class(type_, possible)),
        )
        tell = self.emission.constant(type_teller(type_, self._types.schema, self._raw_info(place)), "type_of")
        path = "p" if needs.path else "None"
        body = [
            f"f = {by_class}.get(o.__class__)",
            f"if f is None or hasattr(o, {CAST!r}):",
            f"{INDENT}f = {by_name}[{tell}(o, r, {path})]",
            f"return {Code('f', needs).call('o', 'p')}",
        ]
        return Code(self.emission.function("abstract", parameters("o", needs), body), needs)

    def _aligned(self, function: Code, needs: Needs) -> str:
        """The name of a function that takes a path when `needs` says so."""
        if function.needs.path or not needs.path:
            return function.text
        return self.emission.function("pathless", "o, r, p", [f"return {function.text}(o, r)"])


def _refuse() -> None:
    raise Odd("a field behind a closed gate")


def _values_of(names: frozenset[str]) -> Callable[[VariableValues], Hashable]:
    """Reads the values of variables as part of a key."""
    ordered = tuple(sorted(names))
    return lambda variables: tuple(_frozen(variables.coerced.get(name, REFUSED)) for name in ordered)


def _frozen(value: Any) -> Hashable:
    """A coerced value as part of a key. With its class: 1, 1.0 and True are equal."""
    if isinstance(value, dict):
        return dict, tuple((name, _frozen(member)) for name, member in value.items())
    if isinstance(value, list):
        return list, tuple(map(_frozen, value))
    return value.__class__, value
