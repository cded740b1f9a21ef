"""Whole answers that are kept: to whom they go, how long they stand, and how much room they take."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.auth.principal import ANYONE, OneOrder, Principal, Scope, order_reader
from gateway.orders.identity import OrderKey
from gateway.schema.answers import KeptAnswer, KeptAnswers, may_be_kept
from gateway.schema.pipeline import GraphQLRequest
from tests.gateway.freshness.conftest import HandClock

QUESTION = GraphQLRequest("{ order }", {"number": "1"}, "Page")
ANSWER = KeptAnswer(b'{"data":null}', timedelta(seconds=15))
NAMES = frozenset({"order 1"})


class Told:
    """What changed, as this test tells it."""

    def __init__(self) -> None:
        self.reading = 1
        self.changed: dict[str, int] = {}

    def instant(self) -> int:
        return self.reading

    def is_unchanged(self, names: Iterable[str], since: int) -> bool:
        return all(self.changed.get(name, 0) < since for name in names)


@pytest.fixture
def changes() -> Told:
    return Told()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def answers(changes: Told, clock: HandClock) -> KeptAnswers:
    return KeptAnswers(lambda: changes, clock, 64_000)


def keep(answers: KeptAnswers, principal: Principal = ANYONE, question: GraphQLRequest = QUESTION) -> None:
    answers.keep(question, principal, ANSWER, NAMES, answers.now())


def test_it_is_given_for_what_is_left_of_its_time(answers: KeptAnswers, clock: HandClock) -> None:
    keep(answers)
    clock.advance(5)
    assert answers.find(QUESTION, ANYONE) == replace(ANSWER, max_age=timedelta(seconds=10))
    clock.advance(10)
    assert answers.find(QUESTION, ANYONE) is None


def test_it_is_given_no_more_when_the_clock_has_gone_back(answers: KeptAnswers, clock: HandClock) -> None:
    """Nobody can tell how old it is then; clocks that are put right by a little make no difference."""
    keep(answers)
    clock.advance(-4)
    assert answers.find(QUESTION, ANYONE) == ANSWER
    clock.advance(-10)
    assert answers.find(QUESTION, ANYONE) is None


@pytest.mark.parametrize(
    "other",
    [
        GraphQLRequest("{ orders }", {"number": "1"}, "Page"),
        GraphQLRequest("{ order }", {"number": "2"}, "Page"),
        GraphQLRequest("{ order }", {"number": 1}, "Page"),
        GraphQLRequest("{ order }", None, "Page"),
        GraphQLRequest("{ order }", {"number": "1"}, "Other"),
        GraphQLRequest("{ order }", {"number": "1"}, "Page", sha256="0" * 64),
        GraphQLRequest(None, {"number": "1"}, "Page", document_id="{ order }"),
    ],
    ids=str,
)
def test_another_question_has_another_answer(answers: KeptAnswers, other: GraphQLRequest) -> None:
    keep(answers)
    assert answers.find(other, ANYONE) is None


ONE = OneOrder("north", frozenset({OrderKey("order_number", "1")}))
OTHER = OneOrder("north", frozenset({OrderKey("order_number", "2")}))
READER = Principal("a", frozenset({"north"}), frozenset({Scope.ORDERS_READ}))


@pytest.mark.parametrize(
    ("one", "other", "is_shared"),
    [
        (READER, replace(READER, name="b"), True),
        (READER, replace(READER, shops=frozenset({"south"})), False),
        (READER, replace(READER, shops=frozenset({"north", "south"})), False),
        (READER, replace(READER, shops=None), False),
        (READER, replace(READER, scopes=frozenset({Scope.ORDERS_READ, Scope.PERSONAL_READ})), False),
        (READER, ANYONE, False),
        (READER, order_reader("t", ONE, personal=False), False),
        (order_reader("t", ONE, personal=False), order_reader("u", ONE, personal=False), True),
        (order_reader("t", ONE, personal=False), order_reader("t", OTHER, personal=False), False),
        (order_reader("t", ONE, personal=False), order_reader("t", ONE, personal=True), False),
    ],
)
def test_it_goes_to_those_who_may_see_the_same(
    answers: KeptAnswers, one: Principal, other: Principal, is_shared: bool
) -> None:
    keep(answers, one)
    assert (answers.find(QUESTION, other) is not None) is is_shared


def test_it_goes_when_something_in_it_changes(answers: KeptAnswers, changes: Told) -> None:
    keep(answers)
    changes.changed["another order"] = 5
    assert answers.find(QUESTION, ANYONE)
    changes.changed["order 1"] = 5
    assert answers.find(QUESTION, ANYONE) is None


def test_what_changed_while_it_was_made_keeps_it_from_being_kept(answers: KeptAnswers, changes: Told) -> None:
    begun = answers.now()
    changes.changed["order 1"] = begun
    answers.keep(QUESTION, ANYONE, ANSWER, NAMES, begun)
    assert answers.find(QUESTION, ANYONE) is None


def test_nothing_is_kept_where_nobody_tells_of_changes(clock: HandClock) -> None:
    answers = KeptAnswers(lambda: None, clock, 64_000)
    keep(answers)
    answers.keep(QUESTION, ANYONE, ANSWER, None, answers.now())
    assert answers.find(QUESTION, ANYONE) is None


def test_the_longest_unused_goes_when_room_runs_out(answers: KeptAnswers) -> None:
    questions = [replace(QUESTION, query=f"{{ order{number} }}") for number in range(60)]
    for question in questions:
        keep(answers, question=question)
        answers.find(questions[0], ANYONE)
    found = [answers.find(question, ANYONE) is not None for question in questions]
    assert found[0]
    assert found[-1]
    assert not found[1]
    assert 20 < sum(found) < 60


@pytest.mark.parametrize(
    "worded",
    [
        lambda words: GraphQLRequest(f"{{ order }} # {words}", None),
        lambda words: GraphQLRequest("{ order }", {"undeclared": words}),
        lambda words: GraphQLRequest("{ order }", None, words),
        lambda words: GraphQLRequest(None, None, document_id=words),
        lambda words: GraphQLRequest("{ order }", None, sha256=words),
    ],
    ids=["query", "variables", "operation", "document", "hash"],
)
def test_whatever_the_question_says_takes_room(answers: KeptAnswers, worded: Callable[[str], GraphQLRequest]) -> None:
    """All of it is held beside the answer, also what the operation never looks at."""
    questions = [worded(f"{number}" + "x" * 2_000) for number in range(60)]
    for question in questions:
        keep(answers, question=question)
    found = [answers.find(question, ANYONE) is not None for question in questions]
    assert found[-1]
    assert 10 < sum(found) <= 64_000 // 3_500
    too_long = worded("x" * 5_000)
    keep(answers, question=too_long)
    assert answers.find(too_long, ANYONE) is None


def test_text_takes_the_room_that_it_has_in_memory(answers: KeptAnswers) -> None:
    """A character beyond Latin-1 makes every other of its text wider."""
    wide = replace(QUESTION, query="{ order } # \N{PACKAGE}" + "x" * 1_000)
    keep(answers, question=wide)
    assert answers.find(wide, ANYONE) is None


@pytest.mark.parametrize("length", [1, 1_000])
def test_all_that_is_kept_takes_no_more_than_the_room_for_it(answers: KeptAnswers, length: int) -> None:
    tracemalloc.start()
    try:
        for number in range(100):
            keep(answers, question=replace(QUESTION, variables={"number": f"{number}" + "x" * length}))
        gc.collect()
        taken, _most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 64_000


def test_one_that_would_push_out_the_others_is_not_kept(answers: KeptAnswers) -> None:
    answers.keep(QUESTION, ANYONE, replace(ANSWER, content=b"x" * 10_000), NAMES, answers.now())
    assert answers.find(QUESTION, ANYONE) is None


@pytest.mark.parametrize(
    ("coordinates", "may"),
    [
        ({"Query.order", "Order.id"}, True),
        ({"Query.order", "Query.orders"}, True),
        ({"Query.order", "Query.registrations"}, False),
        ({"Query.node"}, False),
        ({"Query.order", "Order.sources", "Source.cache"}, False),
        ({"Query.order", "Source.ageSeconds"}, False),
        ({"Query.order", "Provider.health"}, False),
    ],
)
def test_what_can_change_by_itself_is_not_kept(coordinates: set[str], may: bool) -> None:
    assert may_be_kept(frozenset(coordinates)) is may
