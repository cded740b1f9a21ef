"""A query compiler for Strawberry: a GraphQL query becomes a small Python program that writes the JSON of its answer.

The README beside this file tells how it is used and what it promises. It knows no application: it needs graphql-core,
Strawberry and orjson.
"""

from gateway.compiler.errors import GivenUp, NotCompilable
from gateway.compiler.options import REFUSED, Exact, Gate, Native, Options, may_await, reads
from gateway.compiler.pieces import PieceCache, Pieces
from gateway.compiler.program import Compiler, Program
from gateway.compiler.resolvers import may_be_awaited

__all__ = [
    "REFUSED",
    "Compiler",
    "Exact",
    "Gate",
    "GivenUp",
    "Native",
    "NotCompilable",
    "Options",
    "PieceCache",
    "Pieces",
    "Program",
    "may_await",
    "may_be_awaited",
    "reads",
]
