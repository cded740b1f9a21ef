"""Making domain models of what a wire model has read already, without reading it again.

An order of two parcels is some seventy models. Having pydantic validate each a second time took longer than reading the
answer; here a model is made of its members as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar, cast

from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo

from providers.models import Domain

P = ParamSpec("P")
D = TypeVar("D", bound=Domain)

# pydantic's own `model_construct` assigns the same, and takes as long as validating does.
_ASSIGNING: Final[dict[str, Any]] = {
    "_new": object.__new__,
    "_set_members": BaseModel.__dict__["__dict__"].__set__,
    "_set_given": BaseModel.__dict__["__pydantic_fields_set__"].__set__,
    "_set_extra": BaseModel.__dict__["__pydantic_extra__"].__set__,
    "_set_private": BaseModel.__dict__["__pydantic_private__"].__set__,
}


def constructor(model: Callable[P, D]) -> Callable[P, D]:
    """`model` for a mapping: takes the same members, and does not ask again whether each is of its type.

    That has been seen to: by the wire model that the values come from, and by mypy, which holds calls to the signature
    of `model`. What a type does not say still holds: an unknown member and a missing one raise `TypeError`, and
    validators beside a type are run. A constraint on numbers (`Latitude`) does not hold: whoever maps one looks first.
    """
    return _compiled(model, _as_it_is)


def struct_constructor(model: Callable[P, D]) -> Callable[P, D]:
    """`constructor` for members of a `WireStruct`, whose texts may be blank: where there may be none, they are None."""
    return _compiled(model, _unless_blank)


def _as_it_is(name: str, _: FieldInfo) -> str:
    return name


def _unless_blank(name: str, field: FieldInfo) -> str:
    """The expression that `text_or_none` is: to call it would take as long as all else for a model of texts."""
    return f"{name} if {name} and not {name}.isspace() else None" if field.annotation == str | None else name


def _compiled(model: Callable[P, D], member: Callable[[str, FieldInfo], str]) -> Callable[P, D]:
    """A function of the model's own, as dataclasses have one: a general one over `**members` takes twice as long."""
    kind = cast(type[D], model)
    namespace = {**_ASSIGNING, "_model": kind, "_given": set(kind.model_fields), **_defaults(kind), **_limits(kind)}
    source = _source(kind.model_fields, member)
    exec(compile(source, f"<constructor of {kind.__name__}>", "exec"), namespace)  # noqa: S102  # made of names of fields
    return cast(Callable[P, D], namespace["construct"])


def _source(fields: dict[str, FieldInfo], member: Callable[[str, FieldInfo], str]) -> str:
    """The function `construct`; `member` tells the expression for a member that no validator stands beside."""
    parameters = (name if field.is_required() else f"{name}=_default_{name}" for name, field in fields.items())
    members = (
        f"{name!r}: {_limited(name) if _limit(field) else member(name, field)}" for name, field in fields.items()
    )
    return f"""\
def construct(*, {", ".join(parameters)}):
    made = _new(_model)
    _set_members(made, {{{", ".join(members)}}})
    _set_given(made, _given)
    _set_extra(made, None)
    _set_private(made, None)
    return made
"""


def _limited(name: str) -> str:
    """As pydantic, which does not validate a default."""
    return f"{name} if {name} is _default_{name} else _limit_{name}({name})"


def _defaults(kind: type[Domain]) -> dict[str, object]:
    return {
        f"_default_{name}": field.get_default(call_default_factory=True) for name, field in kind.model_fields.items()
    }


def _limits(kind: type[Domain]) -> dict[str, object]:
    return {f"_limit_{name}": limit for name, field in kind.model_fields.items() if (limit := _limit(field))}


def _limit(field: FieldInfo) -> Callable[[Any], Any] | None:
    """The validator that stands beside the type of a field."""
    beside = [each.func for each in field.metadata if isinstance(each, AfterValidator)]
    match beside:
        case []:
            return None
        case [limit]:
            return cast(Callable[[Any], Any], limit)
    raise TypeError("a field has several validators beside its type")
