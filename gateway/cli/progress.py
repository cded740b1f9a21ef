"""How far a command is: a bar at a terminal, else a line for every tenth; on standard error, as pipes stay plain."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from gateway.cli.output import tell

_PARTS = 10


class Progress:
    """The progress of one thing from 0 to `total`, while the context lasts."""

    def __init__(self, title: str, total: int) -> None:
        self._title = title
        self._total = total
        self._told = 0
        console = Console(stderr=True)
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bars.add_task(title, total=total)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def reached(self, done: int) -> None:
        """Show that `done` of the total is done."""
        if not self._bars.disable:
            self._bars.update(self._task, completed=done)
            return
        part = done * _PARTS // self._total if self._total else _PARTS
        if part > self._told:
            self._told = part
            tell(f"{self._title}: {part * 100 // _PARTS} %")
