"""Making domain models of what a wire model has read already, without reading it again.

An order of two parcels is some seventy models. Having pydantic validate each a second time took longer than reading the
answer; here a model is made of its members as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar, cast

from pydantic import AfterValidator, BaseModel

from providers.models import Domain

P = ParamSpec("P")
D = TypeVar("D", bound=Domain)


def constructor(model: Callable[P, D]) -> Callable[P, D]:
    """`model` for a mapping: takes the same members, and does not ask again whether each is of its type.

    That has been seen to: by the wire model that the values come from, and by mypy, which holds calls to the signature
    of `model`. What a type does not say still holds: an unknown member and a missing one raise pydantic's
    `ValidationError`, and validators beside a type are run. A constraint on numbers (`Latitude`) does not hold: whoever
    maps one looks first.
    """
    kind = cast(type[D], model)
    fields = kind.model_fields
    defaults = {name: field.get_default(call_default_factory=True) for name, field in fields.items()}
    required = {name for name, field in fields.items() if field.is_required()}
    limits = _validators(kind)
    new = _maker(kind)

    def construct(*_: P.args, **given: P.kwargs) -> D:
        members = defaults | given
        if len(members) != len(defaults) or not required <= given.keys():
            return model(**given)  # type: ignore[call-arg]  # which says what is wrong
        for name, limit in limits:
            members[name] = limit(members[name])
        return new(members)

    return construct


def same_members(wire: type[BaseModel], model: type[D]) -> Callable[[BaseModel], D]:
    """From a `wire` to the `model` that has the very same members, of the same types. They are shared, not copied.

    Raises `TypeError` when one of the two has a member that the other has not.
    """
    if wire.model_fields.keys() != model.model_fields.keys():
        raise TypeError(f"{wire.__name__} and {model.__name__} do not have the same members")
    new = _maker(model)
    return lambda read: new(read.__dict__)


Validator = Callable[[Any], Any]


def _validators(model: type[Domain]) -> list[tuple[str, Validator]]:
    """The validators that stand beside the types of fields, by the name of the field."""
    return [
        (name, cast(Validator, each.func))
        for name, field in model.model_fields.items()
        for each in field.metadata
        if isinstance(each, AfterValidator)
    ]


# pydantic's own `model_construct` assigns the same, and takes as long as validating does.
_set_members: Final = BaseModel.__dict__["__dict__"].__set__
_set_given: Final = BaseModel.__dict__["__pydantic_fields_set__"].__set__
_set_extra: Final = BaseModel.__dict__["__pydantic_extra__"].__set__
_set_private: Final = BaseModel.__dict__["__pydantic_private__"].__set__


def _maker(model: type[D]) -> Callable[[dict[str, Any]], D]:
    """Makes a `model` that has these members, all of them."""
    given, new = set(model.model_fields), object.__new__

    def make(members: dict[str, Any]) -> D:
        made = new(model)
        _set_members(made, members)
        _set_given(made, given)
        _set_extra(made, None)
        _set_private(made, None)
        return made

    return make
