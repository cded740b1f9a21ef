"""Domain models made of what was read already: as good as validated ones, wherever a mapping makes them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from providers.construction import constructor, struct_constructor
from providers.models import LARGEST_WHOLE, Discount, Domain, Location, Money, Product, TrackingEvent, TrackingStatus

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
    with pytest.raises(TypeError):
        constructor(Location)(town="Utrecht")  # type: ignore[call-arg]


def test_a_member_that_the_model_needs_is_missed() -> None:
    with pytest.raises(TypeError):
        constructor(Money)(currency="EUR")  # type: ignore[call-arg]


def test_a_number_that_no_client_could_be_told_is_none() -> None:
    assert constructor(Product)(quantity=LARGEST_WHOLE + 1).quantity is None
    assert constructor(Product)(quantity=LARGEST_WHOLE).quantity == LARGEST_WHOLE


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u00a0", "\u2003"])
def test_a_blank_text_of_a_struct_is_none_where_there_may_be_none(blank: str) -> None:
    assert struct_constructor(Location)(city=blank, place=f"{blank}x") == Location(place=f"{blank}x")
    assert struct_constructor(Discount)(code=blank, type=blank) == Discount(code=blank, type=None)


def test_a_blank_text_stays_where_the_wire_model_has_kept_it() -> None:
    assert constructor(Location)(city=" ") == Location(city=" ")
