"""Domain models made of what was read already: as good as validated ones, wherever a mapping makes them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from providers.construction import constructor, same_members
from providers.models import LARGEST_WHOLE, Domain, EventLabels, Location, Money, Product, TrackingEvent, TrackingStatus
from providers.wire import Text, Wire

NEWEST = datetime(2025, 6, 4, 12, 0, tzinfo=UTC)

MEMBERS: list[tuple[type[Domain], dict[str, object]]] = [
    (TrackingEvent, {"status": TrackingStatus.DELIVERED, "occurred_at": NEWEST, "location": Location(city="Utrecht")}),
    (Product, {"title": "Blanket", "quantity": 2, "bundled_products": (Product(title="Pin"),)}),
    (Location, {}),
]


@pytest.mark.parametrize(("model", "members"), MEMBERS, ids=lambda each: getattr(each, "__name__", ""))
class TestConstructor:
    def test_it_makes_what_the_model_makes(self, model: type[Domain], members: dict[str, object]) -> None:
        made, validated = constructor(model)(**members), model(**members)
        assert made == validated
        assert made.model_dump_json() == validated.model_dump_json()
        assert repr(made) == repr(validated)

    def test_it_is_read_again_unchanged(self, model: type[Domain], members: dict[str, object]) -> None:
        made = constructor(model)(**members)
        assert model.model_validate_json(made.model_dump_json()) == made

    def test_it_cannot_be_changed_and_can_be_copied(self, model: type[Domain], members: dict[str, object]) -> None:
        made = constructor(model)(**members)
        name = next(iter(model.model_fields))
        with pytest.raises(ValidationError):
            setattr(made, name, None)
        changed = made.model_copy(update={name: None})
        assert (getattr(changed, name), made) == (None, model(**members))


def test_a_member_that_the_model_lacks_is_refused() -> None:
    with pytest.raises(ValidationError):
        constructor(Location)(town="Utrecht")  # type: ignore[call-arg]


def test_a_member_that_the_model_needs_is_missed() -> None:
    with pytest.raises(ValidationError):
        constructor(Money)(currency="EUR")  # type: ignore[call-arg]


def test_a_number_that_no_client_could_be_told_is_none() -> None:
    assert constructor(Product)(quantity=LARGEST_WHOLE + 1).quantity is None
    assert constructor(Product)(quantity=LARGEST_WHOLE).quantity == LARGEST_WHOLE


class WireLabels(Wire):
    event_status: Text = None
    list_label: Text = None
    header_headline: Text = None
    header_title: Text = None
    header_subtitle: Text = None


def test_models_with_the_same_members_share_them() -> None:
    read = WireLabels.model_validate_json('{"list_label": "On its way", "header_title": " "}')
    assert same_members(WireLabels, EventLabels)(read) == EventLabels(list_label="On its way")


def test_models_with_other_members_are_no_match() -> None:
    with pytest.raises(TypeError):
        same_members(WireLabels, Location)
