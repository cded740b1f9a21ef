"""The tables `[cache]` and `[freshness]`."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import BaseModel, ValidationError

from gateway.freshness.settings import CacheSettings, FreshnessSettings


@pytest.mark.parametrize("table", [CacheSettings, FreshnessSettings])
def test_every_setting_says_what_it_is_for(table: type[BaseModel]) -> None:
    assert all(len(field.description or "") > 20 for field in table.model_fields.values())


@pytest.mark.parametrize("table", [CacheSettings, FreshnessSettings])
def test_unknown_settings_are_refused_and_known_ones_cannot_change(table: type[BaseModel]) -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        table.model_validate({"no_such_setting": 1})
    with pytest.raises(ValidationError, match="frozen"):
        setattr(table(), next(iter(table.model_fields)), 1)


@pytest.mark.parametrize("text", [15, 15.0, "15", "PT15S"])
def test_durations_are_seconds_whether_from_a_file_or_a_variable(text: object) -> None:
    assert FreshnessSettings.model_validate({"live": text}).live == timedelta(seconds=15)


@pytest.mark.parametrize("text", [-1, "soon", 31 * 86400, "inf"])
def test_durations_that_make_no_sense_are_refused(text: object) -> None:
    with pytest.raises(ValidationError):
        FreshnessSettings.model_validate({"live": text})


def test_the_longest_lifetime_covers_every_duration() -> None:
    settings = FreshnessSettings()
    assert settings.longest == settings.settled + settings.stale


def test_a_sixteenth_of_the_bound_is_left_for_what_grows_beside_the_cache() -> None:
    settings = CacheSettings(max_bytes=256 * 2**20)
    shares = (settings.stored_bytes, settings.decoded_bytes, settings.pieces_bytes, settings.answers_bytes)
    assert sum(shares) == 240 * 2**20
