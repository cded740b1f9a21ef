"""Status words that no table knows are counted, logged once each, and bounded."""

from __future__ import annotations

import logging

import pytest

from gateway.orders.unknown_words import MOST_WORDS, UnknownWords
from providers.models import CarrierTracking, TrackingStatus
from tests.figures import Added, samples
from tests.gateway.orders.builders import happened, parcel


def saying(word: str | None) -> CarrierTracking:
    return parcel(TrackingStatus.UNKNOWN).model_copy(update={"provider_status": word})


def test_a_word_is_counted_each_time_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    words = UnknownWords()
    with caplog.at_level(logging.WARNING):
        words.note(saying("teleported"))
        words.note(saying("teleported"))
    assert words.counts() == {("karla", "teleported"): 2}
    assert [record.getMessage() for record in caplog.records] == ["unknown status word of karla: 'teleported'"]


def test_known_words_are_not_counted() -> None:
    words = UnknownWords()
    words.note(parcel(TrackingStatus.IN_TRANSIT, events=[happened()]))
    assert words.counts() == {}


def test_an_event_that_states_no_status_at_all_is_not_counted() -> None:
    """HyperTrack's timeline holds outages and activities, which are no status words."""
    words = UnknownWords()
    words.note(parcel(events=[happened("driver_outage_event", status=TrackingStatus.UNKNOWN)]))
    assert words.counts() == {}


def test_a_provider_that_makes_up_words_does_not_fill_the_memory() -> None:
    words = UnknownWords()
    for place in range(MOST_WORDS + 5):
        words.note(saying(f"word-{place}"))
    counts = words.counts()
    assert len(counts) == MOST_WORDS + 1
    assert counts["karla", "…"] == 5


@pytest.mark.parametrize(
    "said", ["ada@example.org", "1Z999AA10123456784", "https://carrier.example/x", "a\nb", "x" * 41]
)
def test_what_is_no_plain_word_is_not_logged(caplog: pytest.LogCaptureFixture, said: str) -> None:
    """It may be anybody's address, number or link; what it is, the answer tells whoever may read the order."""
    with caplog.at_level(logging.WARNING):
        UnknownWords().note(saying(said))
    [line] = [record.getMessage() for record in caplog.records]
    assert line == "unknown status word of karla: not shown, as it is no plain word"


def test_readings_are_counted_for_those_on_call_without_the_word() -> None:
    added = Added()
    UnknownWords().note(saying("teleported"))
    assert added("trackgraph_provider_unknown_words_total", provider="karla") == 1
    assert [sample for sample in samples() if "teleported" in str(sample)] == []
