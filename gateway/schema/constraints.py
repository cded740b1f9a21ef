"""What providers demand of values, as tables beside the inputs: checked before anything is sent.

A `Rule` is about one value, `Rules` name one for the members of each input. Every violation is found at once, and each
is told with the way into the input. This module knows no provider and no input of its own.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel
from strawberry.utils.str_converters import to_camel_case

from gateway.schema.arguments import LONGEST_TEXT, is_name
from gateway.schema.types.payloads import UserError

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Rule:
    """What must hold of a value, and what is said when it does not."""

    holds: Callable[[Any], bool]
    message: str


Rules = Mapping[type, Mapping[str, Rule]]
"""The rule of each member that has one, by the class of input. A member that is null is never checked."""


def length(longest: int) -> Rule:
    """Text of 1 to `longest` characters that is not blank."""
    return Rule(
        lambda text: bool(text.strip()) and len(text) <= longest and text.isprintable(),
        f"This takes 1 to {longest} printable characters.",
    )


def pattern(expression: str, message: str) -> Rule:
    """Text that matches `expression` from its begin to its end."""
    compiled = re.compile(expression, re.ASCII)
    return Rule(lambda text: compiled.fullmatch(text) is not None, message)


def choice(*values: str) -> Rule:
    return Rule(lambda text: text in values, f"This takes one of {', '.join(values)}.")


def between(least: float, most: float) -> Rule:
    return Rule(lambda number: least <= number <= most, f"This takes {least} to {most}.")


def at_least(least: int) -> Rule:
    return Rule(lambda number: least <= number < math.inf, f"This takes {least} or more.")


def count(least: int, most: int) -> Rule:
    """A list of `least` to `most` items."""
    return Rule(lambda items: least <= len(items) <= most, f"This takes {least} to {most} items.")


NAME = Rule(is_name, f"This takes 1 to {LONGEST_TEXT} printable characters.")
"""What something is called, and can be asked by afterwards."""

CURRENCY = pattern("[A-Z]{3}", "This takes a currency's code of three capitals (ISO 4217), such as EUR.")


_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters but tabs and the ends of lines, and halves of a character, which UTF-8 cannot carry."""


def _is_writable(text: str) -> bool:
    return _UNWRITABLE.search(text) is None


def _is_instant(moment: datetime) -> bool:
    try:
        moment.astimezone(UTC)
    except OverflowError:
        return False
    return True


def _is_object(value: Any) -> bool:
    """Whether `value` is a JSON object that can be sent: its numbers are those of JSON, its text can be UTF-8."""
    try:
        return isinstance(value, dict) and bool(json.dumps(value, allow_nan=False, ensure_ascii=False).encode())
    except (ValueError, TypeError, RecursionError):
        return False


LONGEST_KEY = 255
"""Characters of an idempotency key: what the store holds."""

JSON_OBJECT = Rule(_is_object, "This takes a JSON object.")

ANY: Mapping[type, Rule] = {
    str: Rule(_is_writable, "This takes text without control characters."),
    float: Rule(math.isfinite, "This takes a finite number."),
    datetime: Rule(_is_instant, "This takes a time in the years 1 to 9999 in UTC."),
}
"""What holds of every value of a kind, whether or not it has a rule of its own."""

EVERYWHERE: Mapping[str, Rule] = {
    "idempotency_key": Rule(
        lambda text: 1 <= len(text) <= LONGEST_KEY and text.isprintable() and " " not in text,
        f"This takes 1 to {LONGEST_KEY} visible characters.",
    )
}
"""The rules of members that every input has."""


def wrong(message: str, *path: str) -> UserError:
    """The user error for a value of the input at `path`."""
    return UserError(code="BAD_USER_INPUT", message=message, path=["input", *path])


def violations(given: object, rules: Rules) -> list[UserError]:
    """Everything in the input `given` that `rules` do not allow."""
    return list(_violations(given, rules, ()))


def _violations(given: object, rules: Rules, path: tuple[str, ...]) -> Iterable[UserError]:
    own = {**EVERYWHERE, **rules.get(type(given), {})}
    for member, value in vars(given).items():
        yield from _of_value(value, own.get(member), rules, (*path, to_camel_case(member)))


def _of_value(value: Any, own: Rule | None, rules: Rules, path: tuple[str, ...]) -> Iterable[UserError]:
    if value is None:
        return
    broken = next((rule for rule in (own, ANY.get(type(value))) if rule and not rule.holds(value)), None)
    if broken:
        yield wrong(broken.message, *path)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _of_value(item, None, rules, (*path, str(place)))
    elif dataclasses.is_dataclass(value):
        yield from _violations(value, rules, path)


def draft(model: type[M], given: object) -> M:
    """The draft that an input makes, of the members that both have. What is null is left to the draft's default."""
    members = {name: _plain(getattr(given, name)) for name in model.model_fields if hasattr(given, name)}
    return model.model_validate({name: value for name, value in members.items() if value is not None})


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not dataclasses.is_dataclass(value):
        return value
    return {name: _plain(item) for name, item in vars(value).items() if item is not None}
