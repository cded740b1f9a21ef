"""The compiler, and the programs that it makes."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from graphql import (
    DocumentNode,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
)

from gateway.compiler.errors import GivenUp, NotCompilable, Odd
from gateway.compiler.generation import Generator
from gateway.compiler.infos import Infos
from gateway.compiler.known import KnownTypes
from gateway.compiler.leaves import Leaves
from gateway.compiler.options import Gate, Options
from gateway.compiler.run import Deferred, Run
from gateway.compiler.selections import Conditions, Selections, condition_variables
from gateway.compiler.settling import settle, settle_at_hand
from gateway.compiler.strawberry_own import converter_of
from gateway.compiler.variables import Variables

MOST_CONDITIONS: Final = 4
"""Variables that `@skip` and `@include` of one operation may read: each doubles the number of variants."""

MOST_VARIANTS: Final = 16
"""Variants that a program keeps; of more, those used last."""

PROGRAM_BYTES: Final = 4_000
VARIANT_BYTES: Final = 10_000
BYTES_PER_CHARACTER: Final = 6
"""What a program takes in memory without variants, what a variant does, and each character of its source: measured with
tracemalloc on CPython 3.11."""

NO_INPUTS: Final[Mapping[str, Any]] = {}

Answers = tuple[bool, ...]

VariantKey = tuple[Answers, Answers]
"""What the conditions and the gates come to."""


class Compiler:
    """Compiles the queries of one schema that Strawberry made. Raises TypeError for another."""

    def __init__(self, schema: GraphQLSchema, options: Options = Options()) -> None:  # noqa: B008  # it is frozen
        self.schema = schema
        self.options = options
        self.types = KnownTypes(schema, converter_of(schema), Leaves(options.native), options.plain)

    def compile(
        self, document: DocumentNode, operation: OperationDefinitionNode, grown: Callable[[], None] | None = None
    ) -> Program:
        """A program for `operation`, one of the operations of a valid `document`. Raises NotCompilable.

        `grown` is called by its runs, when its `size` is another than before.
        """
        if operation.operation is not OperationType.QUERY:
            raise NotCompilable("no query")
        try:
            return Program(self, document, operation, grown)
        except RecursionError:
            raise NotCompilable("nested too deeply") from None


@dataclass(frozen=True)
class Variant:
    """The functions for one set of conditions and gates."""

    answer: Callable[..., Any]
    takes_path: bool
    size: int
    """About how many bytes of memory it takes."""

    def project(self, run: Run) -> Any:
        """The data of the operation, without what was put off."""
        return self.answer(run.root_value, run, None) if self.takes_path else self.answer(run.root_value, run)


class Program:
    """One operation, compiled.

    Conditions of `@skip` and `@include`, and gates, are settled at the start of a run: for each combination that occurs
    there is a variant of its own, made when it is first needed.
    """

    def __init__(
        self,
        compiler: Compiler,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        grown: Callable[[], None] | None = None,
    ) -> None:
        self._compiler = compiler
        self._grown = grown
        self._document = document
        self._operation = operation
        self._variables = Variables(compiler.schema, operation)
        self._conditions = condition_variables(document, operation)
        if len(self._conditions) > MOST_CONDITIONS:
            raise NotCompilable("too many variables in @skip and @include")
        everything = self._written(Conditions(None), lambda _gate: True)
        self.coordinates: frozenset[str] = frozenset(everything.coordinates)
        """Every `Type.field` that the operation may read, of each possible object type; `__typename` aside."""
        self.source: str = everything.emission.source
        """The generated Python, with every condition left open and every gate open."""
        self._gates: tuple[Gate, ...] = tuple(everything.gates)
        self._variants: OrderedDict[VariantKey, Variant] = OrderedDict()
        self._is_making = False
        if not self._conditions:
            self._variants[(), (True,) * len(self._gates)] = self._variant_of(everything)
        self._only = None if self._conditions or self._gates else self._variants[(), ()]

    @property
    def size(self) -> int:
        """About how many bytes of memory the program takes now, without its document.

        It grows with its variants, of which it keeps 16.
        """
        return PROGRAM_BYTES + len(self.source) + sum(variant.size for variant in self._variants.values())

    def begin(
        self, context: object, variables: Mapping[str, Any] | None, root_value: object = None
    ) -> bytes | Awaitable[bytes]:
        """The JSON of the operation's `data`, where nothing has to be waited for; else what is to be awaited for it.

        It has to be awaited in the same task, as part of the run may have begun. Raises GivenUp, then or now.
        """
        run = Run(context, root_value)
        try:
            run.variables = self._variables.coerce(variables or NO_INPUTS)
            data = self._variant_for(run).project(run)
            left = settle_at_hand(run, run.take_deferred()) if run.deferred else None
            return self._awaited(run, data, left) if left else orjson.dumps(data)
        except Exception as error:
            run.close()
            raise GivenUp(type(error).__name__) from error
        except BaseException:
            run.close()
            raise

    def at_hand(self, context: object, variables: Mapping[str, Any] | None, root_value: object = None) -> bytes | None:
        """The JSON of the operation's `data`, where no field has to be awaited; else None, and nothing has begun.

        May be called outside of a task. Raises GivenUp.
        """
        run = Run(context, root_value)
        try:
            run.variables = self._variables.coerce(variables or NO_INPUTS)
            data = self._variant_for(run).project(run)
            return None if run.deferred else orjson.dumps(data)
        except Exception as error:
            raise GivenUp(type(error).__name__) from error
        finally:
            run.close()

    async def run(self, context: object, variables: Mapping[str, Any] | None, root_value: object = None) -> bytes:
        """The JSON of the operation's `data`. Raises GivenUp."""
        begun = self.begin(context, variables, root_value)
        return begun if isinstance(begun, bytes) else await begun

    async def _awaited(self, run: Run, data: object, deferred: list[Deferred]) -> bytes:
        """The JSON of `data` with what was put off."""
        try:
            await settle(run, deferred)
            return orjson.dumps(data)
        except Exception as error:
            raise GivenUp(type(error).__name__) from error
        finally:
            run.close()

    def _variant_for(self, run: Run) -> Variant:
        """The functions for this run, made when there are none yet."""
        if self._only is not None:
            return self._only
        conditions = tuple([_decided(run.variables.coerced[name]) for name in self._conditions])
        gates = tuple([gate.admits(run.context) for gate in self._gates])
        key = conditions, gates
        variant = self._variants.get(key)
        if variant is None:
            longest = self._compiler.options.longest_at_once
            if longest is not None and len(self.source) > longest:
                self._make_aside(key)
                raise Odd("a variant that is not made yet")
            variant = self._made(*key)
            self._keep(key, variant)
        self._variants.move_to_end(key)
        return variant

    def _make_aside(self, key: VariantKey) -> None:
        """Make a variant in a thread, unless one is being made."""
        if self._is_making:
            return

        def keep(making: asyncio.Future[Variant]) -> None:
            self._is_making = False
            # What cannot be made is left to the next run, which is given up again.
            if not making.cancelled() and making.exception() is None:
                self._keep(key, making.result())

        made = asyncio.get_running_loop().run_in_executor(None, self._made, *key)
        self._is_making = True
        made.add_done_callback(keep)

    def _made(self, conditions: Answers, gates: Answers) -> Variant:
        values = Conditions(dict(zip(self._conditions, conditions, strict=True)))
        outcomes = dict(zip(self._gates, gates, strict=True))
        return self._variant_of(self._written(values, outcomes.__getitem__))

    def _keep(self, key: VariantKey, variant: Variant) -> None:
        self._variants[key] = variant
        if len(self._variants) > MOST_VARIANTS:
            self._variants.popitem(last=False)
        if self._grown is not None:
            self._grown()

    def _written(self, conditions: Conditions, is_open: Callable[[Gate], bool]) -> Generator:
        """What wrote the functions of the operation."""
        schema, types = self._compiler.schema, self._compiler.types
        selections = Selections(schema, self._document, conditions)
        infos = Infos(schema, self._operation, selections.fragments, types.converter.config.info_class)
        generator = Generator(types, self._compiler.options, selections, infos, is_open)
        generator.write(self._operation)
        return generator

    def _variant_of(self, generator: Generator) -> Variant:
        namespace = generator.emission.execute(f"<compiled {self._name}>")
        size = VARIANT_BYTES + BYTES_PER_CHARACTER * len(generator.emission.source)
        return Variant(namespace[generator.root.text], generator.root.needs.path, size)

    @property
    def _name(self) -> str:
        return self._operation.name.value if self._operation.name else "query"


def _decided(condition: object) -> bool:
    """The value of a condition; null, which its variable may be where it has a default, is an error."""
    if condition is True or condition is False:
        return condition
    raise Odd("a condition without a value")
