"""What a race comes to: a row for each server, and ratios to plain Strawberry in the same run beside their floors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.chart import Mark, Panel
from benchmarks.laps import Lap
from benchmarks.peers.contestants import GATEWAY, MERCURIUS, PLAIN, Contestant, State
from benchmarks.peers.race import Results
from benchmarks.peers.workload import QUESTIONS

Row = tuple[str, ...]

PAGES: Sequence[str] = tuple(question.name for question in QUESTIONS)

COLUMNS: Row = (
    "page",
    "copies",
    "server",
    "requests/s",
    "(lowest to highest)",
    "against plain",
    "p50 ms",
    "p99 ms",
    "CPU µs/request",
    "calls/request",
    "memory MiB",
)

RATIO_COLUMNS: Row = ("Trackgraph against", "copies", *PAGES)

_PLAIN_COUNTERPARTS: Mapping[State, State] = {
    State.COLD: State.COLD,
    State.WARM: State.WARM,
    State.ALL: State.WARM,
}
"""Plain Strawberry keeps no whole answers; what does is held against it warm."""


@dataclass(frozen=True, slots=True)
class Rival:
    """Whom the gateway in `state` is held against; `floors` are the least ratios of requests per second, by page."""

    server: str
    state: State
    counterpart: State
    floors: Mapping[str, float]


_FLOORS_AGAINST_PLAIN: Mapping[State, Mapping[str, float]] = {
    State.COLD: {"order page": 25, "list of 30": 10, "tiny": 15},
    State.WARM: {"order page": 40, "list of 30": 30, "tiny": 25},
    State.ALL: {"order page": 70, "list of 30": 250, "tiny": 30},
}

RIVALS: Sequence[Rival] = (
    *(Rival(PLAIN, state, _PLAIN_COUNTERPARTS[state], floors) for state, floors in _FLOORS_AGAINST_PLAIN.items()),
    Rival(MERCURIUS, State.WARM, State.WARM, {"order page": 1, "list of 30": 1}),
)

Figure = Callable[[Lap], float]
"""What of a lap is held against another's; more is better."""


def requests_per_second(lap: Lap) -> float:
    """What clients see."""
    return lap.per_second


def requests_per_cpu_second(lap: Lap) -> float:
    """What a processor does; moves less with whatever else the machine does, and has no limit in the load."""
    return 1e6 / lap.cpu_us


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times another's figure the gateway's is, with the least that was promised, if any.

    `median` is that of both medians; `low` and `high` are the extremes of the rounds, each round by itself.
    """

    median: float
    low: float
    high: float
    floor: float | None = None

    @property
    def is_kept(self) -> bool:
        return self.floor is None or self.median >= self.floor

    def __str__(self) -> str:
        told = f"{_times(self.median)} ({_times(self.low)} to {_times(self.high)})"
        if self.floor is None:
            return told
        return f"{told}; at least {self.floor:g}: {'yes' if self.is_kept else 'NO'}"


def ratio(ours: Sequence[Lap], theirs: Sequence[Lap], figure: Figure, floor: float | None = None) -> Ratio:
    """`figure` of `ours` over that of `theirs`, laps of the same rounds."""
    our_figures, their_figures = [figure(lap) for lap in ours], [figure(lap) for lap in theirs]
    paired = [our / their for our, their in zip(our_figures, their_figures, strict=True)]
    return Ratio(median(our_figures) / median(their_figures), min(paired), max(paired), floor)


@dataclass(frozen=True, slots=True)
class Standings:
    """The results of a race, told in tables and in a chart."""

    results: Results

    def rows(self) -> list[Row]:
        """A row of `COLUMNS` for each page, state and server; the fastest of a state first."""
        return [self._row(page, contestant) for page in PAGES for contestant in self._ranked(page)]

    def ratio_rows(self) -> list[Row]:
        """Rows of `RATIO_COLUMNS` by requests per second, with the floors."""
        return [
            (rival.server, rival.state, *(str(self._ratio(rival, page, rival.floors.get(page))) for page in PAGES))
            for rival in RIVALS
        ]

    def cpu_ratio_rows(self) -> list[Row]:
        """The same by what a second of CPU time does; nothing is promised of that."""
        return [
            (
                rival.server,
                rival.state,
                *(str(self._ratio(rival, page, figure=requests_per_cpu_second)) for page in PAGES),
            )
            for rival in RIVALS
        ]

    def is_as_promised(self) -> bool:
        """Whether every ratio reaches its floor."""
        return all(self._ratio(rival, page, floor).is_kept for rival in RIVALS for page, floor in rival.floors.items())

    def panels(self) -> list[Panel]:
        """The chart: requests per second, a panel for each page."""
        return [Panel(page, [self._mark(page, contestant) for contestant in self._ranked(page)]) for page in PAGES]

    def _ratio(
        self, rival: Rival, page: str, floor: float | None = None, *, figure: Figure = requests_per_second
    ) -> Ratio:
        ours = self._laps(GATEWAY, rival.state, page)
        return ratio(ours, self._laps(rival.server, rival.counterpart, page), figure, floor)

    def _laps(self, server: str, state: State, page: str) -> Sequence[Lap]:
        contestant = next(one for one in self.results.rss_bytes if one.server == server and one.state is state)
        return self.results.laps[contestant, page]

    def _ranked(self, page: str) -> list[Contestant]:
        states = list(State)

        def rank(contestant: Contestant) -> tuple[int, float]:
            rates = (lap.per_second for lap in self.results.laps[contestant, page])
            return states.index(contestant.state), -median(rates)

        return sorted(self.results.rss_bytes, key=rank)

    def _row(self, page: str, contestant: Contestant) -> Row:
        laps = self.results.laps[contestant, page]
        rates = [lap.per_second for lap in laps]
        plain = self._laps(PLAIN, _PLAIN_COUNTERPARTS[contestant.state], page)
        return (
            page,
            contestant.state,
            contestant.server,
            f"{median(rates):,.0f}",
            f"{min(rates):,.0f} to {max(rates):,.0f}",
            _times(ratio(laps, plain, requests_per_second).median),
            f"{median(lap.p50_ms for lap in laps):.1f}",
            f"{median(lap.p99_ms for lap in laps):.1f}",
            f"{median(lap.cpu_us for lap in laps):,.0f}",
            f"{median(lap.calls_per_request for lap in laps):.2f}",
            f"{self.results.rss_bytes[contestant] / 1024 / 1024:.0f}",
        )

    def _mark(self, page: str, contestant: Contestant) -> Mark:
        rates = [lap.per_second for lap in self.results.laps[contestant, page]]
        is_ours = contestant.server == GATEWAY
        return Mark(contestant.server, contestant.state, median(rates), min(rates), max(rates), is_ours)


def _times(value: float) -> str:
    """To three digits at most: 0.97, 4.3, 120."""
    decimals = next((digits for digits, limit in ((2, 2), (1, 10)) if value < limit), 0)
    return f"{value:.{decimals}f}"
