"""The simulated clock follows the real one, at its own pace, and never goes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from providers.simulation.clock import END, SimulationClock

START = datetime(2025, 6, 4, 12, 0, tzinfo=UTC)


class RealTime:
    """A real clock that stands where it is put."""

    def __init__(self) -> None:
        self.moment = START

    def __call__(self) -> datetime:
        return self.moment


def test_runs_with_real_time() -> None:
    real = RealTime()
    clock = SimulationClock(real)
    real.moment += timedelta(minutes=5)
    assert clock.now() == START + timedelta(minutes=5)


def test_runs_at_its_speed_from_its_start_on() -> None:
    real = RealTime()
    clock = SimulationClock(real, speed=60)
    assert clock.now() == START
    real.moment += timedelta(minutes=1)
    assert clock.now() == START + timedelta(hours=1)


def test_advances_add_up_and_are_not_sped_up() -> None:
    clock = SimulationClock(RealTime(), speed=60)
    clock.advance(timedelta(hours=2))
    clock.advance(timedelta(hours=3))
    assert clock.now() == START + timedelta(hours=5)


def test_never_goes_back() -> None:
    clock = SimulationClock(RealTime())
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(timedelta(seconds=-1))
    with pytest.raises(ValueError, match="not negative"):
        SimulationClock(RealTime(), speed=-1)


@pytest.mark.parametrize("speed", [float("nan"), float("inf"), 1_000_001])
def test_has_a_speed_that_dates_can_follow(speed: float) -> None:
    with pytest.raises(ValueError, match="a clock's speed is"):
        SimulationClock(RealTime(), speed=speed)


def test_never_passes_its_end() -> None:
    """However often it is moved, every instant of the world stays one that can be written."""
    clock = SimulationClock(RealTime())
    clock.advance(END - START)
    assert clock.now() == END
    with pytest.raises(ValueError, match="ends with the year 2999"):
        clock.advance(timedelta(microseconds=1))
