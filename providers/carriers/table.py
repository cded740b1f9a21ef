"""The carrier table: one entry per carrier, read from `carriers.json` once and checked then. Knows no provider's API.

A format's pattern is made of letters, digits, classes and counts, and of nothing that could make a search go back over
what it has read; so what matching costs is bounded by the length of the number, whatever the number is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from providers.carriers.check_digits import CHECK_CHARACTERS

_GAPS = re.compile(r"[\s_-]+")

_ATOM = r"(?:[0-9A-Z]|\[[0-9A-Z-]+\]|\(\?:[0-9A-Z]+(?:\|[0-9A-Z]+)+\))(?:\{[0-9]+(?:,[0-9]+)?\})?"
_PATTERN = rf"^(?:{_ATOM})*(?:\((?:{_ATOM})+\))?(?:{_ATOM})*$"


class Likelihood(StrEnum):
    """How much a number's shape alone says, the most first."""

    OWN = "own"
    """A prefix, a suffix or a build that is only known of this carrier."""
    SHARED = "shared"
    """Distinct, and known of other carriers too."""
    VAGUE = "vague"
    """As many characters as others have as well, and nothing more."""


def _known_rule(name: str) -> str:
    if name not in CHECK_CHARACTERS:
        raise ValueError(f"there is no check digit rule {name!r}")
    return name


System = Literal["karla", "paypal"]
SYSTEMS: tuple[System, ...] = get_args(System)
"""The systems whose codes are in the table."""

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$")]
Source = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+: \S")]
"""`citation: what it says there`; the citation is a key of the table's `citations`."""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NumberFormat(_Row):
    """One build of a carrier's tracking numbers, of capitals and digits without blanks.

    `pattern` matches a whole number. With a `check`, the last character of the group in it (of the whole number, where
    it has none) follows from the others by that rule of `CHECK_CHARACTERS`. `examples` fit. `source` tells where the
    build is from, and the examples too where they have no source of their own.
    """

    pattern: Annotated[str, StringConstraints(pattern=_PATTERN, max_length=80)]
    check: Annotated[str, AfterValidator(_known_rule)] | None = None
    likelihood: Likelihood
    source: Source
    examples: tuple[str, ...] = Field(min_length=1)
    example_source: Source | None = None

    def fits(self, number: str) -> bool:
        """Whether `number` is built so, its check character included where there is one."""
        match = _compiled(self.pattern).fullmatch(number)
        if match is None or self.check is None:
            return match is not None
        checked = match[match.re.groups]
        return CHECK_CHARACTERS[self.check](checked[:-1]) == checked[-1]


class CarrierEntry(_Row):
    """A carrier, and what each system calls it.

    `code` is ours. `karla` is its `carrier_reference`, `paypal` its code in PayPal's enumeration; None where the system
    has none that is known. `aliases` are other spellings that people write. `sources` tell where the codes are from, in
    the words of their owners.
    """

    code: Slug
    name: Text
    karla: Text | None
    paypal: Text | None
    aliases: tuple[Text, ...]
    formats: tuple[NumberFormat, ...]
    sources: tuple[Source, ...]

    def words(self) -> frozenset[str]:
        """Code, name and aliases, as `key_of` makes them: each leads to this carrier and no other."""
        return frozenset(key_of(word) for word in (self.code, self.name, *self.aliases))

    def code_at(self, system: System) -> str | None:
        return self.karla if system == "karla" else self.paypal


class CarrierTable(_Row):
    """The whole file. Where several carriers share a system's code, `shared` says which of them the code is read as.

    Raises `ValueError` for a word that leads to two carriers, for a shared code that nothing is said about, and for a
    source without its citation.
    """

    about: Text
    citations: Mapping[str, Text]
    shared: Mapping[System, Mapping[str, Slug]]
    carriers: tuple[CarrierEntry, ...]

    @model_validator(mode="after")
    def _contradicts_nothing(self) -> CarrierTable:
        _refuse("lead to more than one carrier", _repeated(word for entry in self.carriers for word in entry.words()))
        for system in SYSTEMS:
            self._refuse_undecided(system)
        cited = {source.partition(":")[0] for source in self._sources()}
        _refuse("are cited, and no citations", cited - self.citations.keys())
        return self

    def _refuse_undecided(self, system: System) -> None:
        """Each code of `system` that several carriers hold is read as one of them, and no other is in `shared`."""
        decided = self.shared.get(system, {})
        held = [(code, entry.code) for entry in self.carriers if (code := entry.code_at(system))]
        shared = _repeated(code for code, _ in held)
        _refuse(f"must be told in shared.{system}, and no other", shared ^ decided.keys())
        _refuse(f"are told in shared.{system} for a carrier without them", dict(decided.items() - set(held)))

    def _sources(self) -> Iterable[str]:
        for entry in self.carriers:
            yield from entry.sources
            for number_format in entry.formats:
                yield from filter(None, (number_format.source, number_format.example_source))


def key_of(word: str) -> str:
    """`word` as it is compared: case, blanks, dashes and underscores make no difference."""
    return _GAPS.sub("", word).casefold()


def repeated_spellings(words: Iterable[str]) -> list[str]:
    """Those of `words` that are the same word as another of them, differently spelt."""
    given = list(words)
    repeated = _repeated(map(key_of, given))
    return [word for word in given if key_of(word) in repeated]


@cache
def carrier_table() -> CarrierTable:
    """The table as it is shipped. Raises `pydantic.ValidationError` when the file contradicts itself."""
    return CarrierTable.model_validate_json((files("providers.carriers") / "carriers.json").read_bytes())


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _repeated(words: Iterable[str]) -> set[str]:
    return {word for word, count in Counter(words).items() if count > 1}


def _refuse(what: str, words: Iterable[str]) -> None:
    if wrong := sorted(words):
        raise ValueError(f"{', '.join(wrong)} {what}")
