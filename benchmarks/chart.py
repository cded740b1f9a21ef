"""A chart as SVG: panels of named values on one logarithmic axis, each a dot with the range that it was seen in.

Drawn by hand, for it has no moving parts: text, lines and circles. It has a background of its own, light or dark as the
reader's screen is, so that it can be read wherever it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, floor, log10
from xml.sax.saxutils import escape

WIDTH = 860

_ROW = 19
_GROUP_GAP = 8
_HEADING = 44
_AXIS = 26
_TITLE = 52
_MARGIN = 20
_PLOT_LEFT = 250
_PLOT_RIGHT = WIDTH - 90
"""Room to the right for the figure of the fastest."""

_STYLE = """\
  text { font: 13px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
  .title { font-size: 17px; font-weight: 600; }
  .heading { font-size: 14px; font-weight: 600; }
  .quiet { fill: #59636e; font-size: 12px; }
  .ours { font-weight: 600; }
  .back { fill: #ffffff; }
  .grid { stroke: #d1d9e0; stroke-width: 1; }
  .range { stroke: #8c959f; stroke-width: 2; }
  .dot { fill: #8c959f; }
  .ours-range { stroke: #0969da; stroke-width: 3; }
  .ours-dot { fill: #0969da; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .quiet { fill: #9198a1; }
    .back { fill: #0d1117; }
    .grid { stroke: #3d444d; }
    .ours-range { stroke: #4493f8; }
    .ours-dot { fill: #4493f8; }
  }"""


@dataclass(frozen=True, slots=True)
class Mark:
    """One line of a panel. `group` is told once for the marks in a row that share it. All values are above 0."""

    name: str
    group: str
    value: float
    low: float
    high: float
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """A heading and its marks, drawn in the order given."""

    heading: str
    marks: Sequence[Mark]

    @property
    def height(self) -> int:
        groups = len({mark.group for mark in self.marks})
        return _HEADING + len(self.marks) * _ROW + groups * _GROUP_GAP + _AXIS


def draw(title: str, unit: str, panels: Sequence[Panel]) -> str:
    """The chart as an SVG document. `unit` is told below the title."""
    axis = _Axis.over([mark for panel in panels for mark in panel.marks])
    height = _TITLE + sum(panel.height for panel in panels) + _MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(title, {chr(34): "&quot;"})}">',
        f"<style>\n{_STYLE}\n</style>",
        f'<rect class="back" width="{WIDTH}" height="{height}" rx="8"/>',
        _text(_MARGIN, 28, title, "title"),
        _text(_MARGIN, 47, unit, "quiet"),
    ]
    top = _TITLE
    for panel in panels:
        lines += _panel(panel, axis, top)
        top += panel.height
    return "\n".join([*lines, "</svg>", ""])


@dataclass(frozen=True, slots=True)
class _Axis:
    """A logarithmic axis from one power of ten to another."""

    first: int
    last: int

    @classmethod
    def over(cls, marks: Sequence[Mark]) -> _Axis:
        low = floor(log10(min(mark.low for mark in marks)))
        return cls(low, max(low + 1, ceil(log10(max(mark.high for mark in marks)))))

    def at(self, value: float) -> float:
        """The x of `value`."""
        share = (log10(value) - self.first) / (self.last - self.first)
        return _PLOT_LEFT + share * (_PLOT_RIGHT - _PLOT_LEFT)

    def powers(self) -> list[int]:
        return [10**exponent for exponent in range(self.first, self.last + 1)]


def _panel(panel: Panel, axis: _Axis, top: int) -> Iterator[str]:
    yield _text(_MARGIN, top + 30, panel.heading, "heading")
    bottom = top + panel.height - _AXIS
    for power in axis.powers():
        x = axis.at(power)
        yield f'<line class="grid" x1="{x:.1f}" y1="{top + _HEADING - 8}" x2="{x:.1f}" y2="{bottom}"/>'
        yield _text(x, bottom + 15, f"{power:,}", "quiet", "middle")
    y = top + _HEADING
    for group, marks in groupby(panel.marks, key=lambda mark: mark.group):
        yield _text(_MARGIN, y + 10, group, "quiet")
        for mark in marks:
            yield from _mark(mark, axis, y + 6)
            y += _ROW
        y += _GROUP_GAP


def _mark(mark: Mark, axis: _Axis, y: int) -> Iterator[str]:
    x, prefix = axis.at(mark.value), "ours-" if mark.is_ours else ""
    kind = "ours" if mark.is_ours else ""
    yield _text(_PLOT_LEFT - 12, y + 4, mark.name, kind, "end")
    yield f'<line class="{prefix}range" x1="{axis.at(mark.low):.1f}" y1="{y}" x2="{axis.at(mark.high):.1f}" y2="{y}"/>'
    yield f'<circle class="{prefix}dot" cx="{x:.1f}" cy="{y}" r="{6 if mark.is_ours else 4.5}"/>'
    yield _text(axis.at(mark.high) + 10, y + 4, f"{mark.value:,.0f}", kind)


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>'
