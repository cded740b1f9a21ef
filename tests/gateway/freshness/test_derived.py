"""What follows from a value is made once, and there is an end to how much of it is kept."""

from __future__ import annotations

from gateway.freshness.derived import MOST, Derived


def test_a_thing_is_made_once_by_its_name() -> None:
    derived = Derived()
    made = [derived.of("list", list), derived.of("list", list), derived.of("other", list)]
    assert made[0] is made[1]
    assert made[0] is not made[2]


def test_names_that_clients_choose_cannot_pile_up() -> None:
    derived = Derived()
    first = derived.of(0, list)
    for name in range(1, 10 * MOST):
        derived.of(name, list)
    assert derived.of(0, list) is not first
    assert len(derived._known) <= MOST
