"""What the compiler says when it leaves an operation to the reference executor."""

from __future__ import annotations


class NotCompilable(Exception):
    """The operation holds something that is not compiled. The message says what."""


class GivenUp(Exception):
    """A run met an error, or something odd, and has no answer; `__cause__` tells what it was.

    The caller runs the operation again on graphql-core, which makes the errors, their paths and the nulls.
    """


class Odd(Exception):
    """A value of a kind that generated code does not handle, and that graphql-core may well take."""


class Unusual(Exception):
    """An input value that is left to graphql-core."""
