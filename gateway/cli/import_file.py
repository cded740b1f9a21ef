"""`trackgraph import`: the rows of a file become links and registrations, each once however often the file is taken.

The file is read twice: every row is checked before the first one is taken. Nothing of the rows stays in memory.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import typer

from gateway.app import open_services, utc_now
from gateway.cli import EXIT_INTERRUPTED
from gateway.cli.bulk_checks import RowChecker
from gateway.cli.bulk_memory import BulkMemory
from gateway.cli.bulk_rows import ReadRow, Wrong, column_of, format_of, read_rows
from gateway.cli.failures import CommandFailed, describe
from gateway.cli.formats import FileFormat
from gateway.cli.output import print_table, tell
from gateway.cli.progress import Progress
from gateway.cli.serve import set_in_environment
from gateway.cli.shops import choose_shop
from gateway.orders.bulk import Moved, MovingIn
from gateway.orders.links import LinkService
from gateway.orders.operation import Operation
from gateway.orders.registration.service import RegistrationService
from gateway.orders.shops import Shop
from gateway.resilience.deadline import Deadline
from gateway.resilience.gate import Urgency
from gateway.schema.context import Services
from gateway.settings import Settings, load_settings
from gateway.store.database import Database, StoreUnavailable
from gateway.store.registrations import Registrations, StepState
from gateway.telemetry import configure_logging
from providers.errors import ProviderError

MOST_TOLD = 100
"""Lines that are told to be wrong; of the others, how many they are."""

BATCH = 500
"""Registrations that are looked after at a time."""

LOOK_AGAIN_SECONDS = 0.25
"""How often it is looked whether those at work have been tried. Other gateways may do the work, so nothing tells."""

SUMMARY = (StepState.DONE, StepState.REFUSED, StepState.PENDING, StepState.UNKNOWN)
"""The columns of the table that is printed in the end."""

_ROWS_AT_A_TIME = 100
"""Rows that are checked before Ctrl-C is listened to again."""

_GO_ON = "run the same command again to go on: nothing is registered twice"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the command line says beside the file."""

    config: Path | None = None
    shop: str | None = None
    file_format: FileFormat | None = None
    is_check: bool = False
    is_waiting: bool = True


def import_file(file: Path, options: ImportOptions) -> bool:
    """Check the file, take its rows and wait for them, as `options` say; whether everything is well then.

    Raises `CommandFailed` when nothing is to be done or somebody has to mend something first, and `typer.Exit` after
    Ctrl-C.
    """
    set_in_environment(config=options.config)
    settings = load_settings(os.environ)
    configure_logging("error")
    if str(file) == "-" or (file.exists() and not file.is_file()):
        raise CommandFailed(f"{file} is no file that can be read twice; save what is to be imported in one")
    file_format = format_of(file, options.file_format)
    with file.open("rb") as opened, BulkMemory() as memory:
        importing = Import(file, opened, file_format, memory)
        try:
            return asyncio.run(importing.run(settings, options))
        except KeyboardInterrupt:
            tell(f"interrupted; {importing.state}")
            raise typer.Exit(EXIT_INTERRUPTED) from None


class _Version(NamedTuple):
    """What changes with a file's contents."""

    size: int
    written_at: int


@dataclass
class RowCounts:
    """What became of the rows that were taken."""

    rows: int = 0
    registered: int = 0
    known: int = 0
    left_out: int = 0

    def add(self, moved: Moved) -> None:
        self.rows += 1
        self.left_out += bool(moved.problems)
        if moved.registration is not None:
            self.registered += moved.registration.is_new
            self.known += not moved.registration.is_new

    @property
    def accepted(self) -> int:
        return self.registered + self.known

    @property
    def text(self) -> str:
        linked = self.rows - self.accepted - self.left_out
        return (
            f"rows: {self.rows:,}; registered: {self.registered:,}; registered before: {self.known:,}; "
            f"only linked: {linked:,}; left out: {self.left_out:,}"
        )


class Import:
    """One run over one file. `state` says at any time what an interruption leaves behind, and what to do."""

    def __init__(self, name: Path, file: BinaryIO, file_format: FileFormat, memory: BulkMemory) -> None:
        self.state = "nothing was written"
        self._name = name
        self._file = file
        self._format = file_format
        self._memory = memory
        self._counts = RowCounts()
        self._checked = self._version()

    async def run(self, settings: Settings, options: ImportOptions) -> bool:
        async with AsyncExitStack() as stack:
            database = Database(settings.store.url.get_secret_value())
            stack.push_async_callback(database.aclose)
            services = await stack.enter_async_context(open_services(settings, database, utc_now))
            shop = services.shops.find(choose_shop(settings, options.shop))
            if options.is_check:
                tell(f"{self._name}: nothing is wrong; rows: {await self._check(shop):,}")
                return True
            await database.prepare()
            rows = await self._check(shop)
            if not options.is_waiting:
                await self._take(services, shop, rows)
                return not self._counts.left_out
            async with services.registrations.worker.working():
                await self._take(services, shop, rows)
                await self._wait(services.registrations.registrations)
            return await self._is_done(services.registrations.registrations) and not self._counts.left_out

    async def _check(self, shop: Shop) -> int:
        """How many rows there are. Raises `CommandFailed` when anything is wrong with any of them."""
        checker = RowChecker(shop, self._memory)
        wrong = 0
        self._checked = self._version()
        with Progress("checking", self._checked.size) as progress:
            for read in self._read():
                for each in [read] if isinstance(read, Wrong) else checker.check(read):
                    wrong += 1
                    if wrong <= MOST_TOLD:
                        self._tell(each)
                if checker.rows % _ROWS_AT_A_TIME == 0:
                    progress.reached(self._file.tell())
                    await asyncio.sleep(0)
            progress.reached(self._checked.size)
        if wrong > MOST_TOLD:
            tell(f"{self._name}: and {wrong - MOST_TOLD:,} more")
        if wrong:
            raise CommandFailed(f"{self._name}: nothing was written; things that are wrong: {wrong:,}")
        if checker.guessed:
            carriers = ", ".join(f"{code} {count:,}" for code, count in checker.guessed.most_common())
            tell(f"carriers that were guessed from the tracking number: {carriers}")
        return checker.rows

    async def _take(self, services: Services, shop: Shop, rows: int) -> None:
        """Link and register every row. What keeps a row out is told, and the rest goes on."""
        with Progress("registering", rows) as progress:
            for read in self._read():
                if isinstance(read, Wrong) or self._version() != self._checked:
                    raise CommandFailed(f"{self._name} was changed after it was checked; {_GO_ON}")
                self.state = f"{self._counts.rows:,} of {rows:,} rows are taken; {_GO_ON}"
                moved = await self._take_row(services, shop, read)
                self._note(read.line, moved)
                progress.reached(self._counts.rows)
        self.state = f"all rows are taken, and running gateways finish them; {_GO_ON}"
        tell(self._counts.text)

    async def _take_row(self, services: Services, shop: Shop, read: ReadRow) -> Moved:
        deadline = Deadline.after(services.query_seconds)
        operation = Operation(services.operations, deadline, Urgency.BACKGROUND)
        registration = RegistrationService(services.registrations, operation.directory, operation.orders, deadline)
        moving = MovingIn(LinkService(services.links, services.cache, services.loads.clock), registration)
        try:
            return await moving.take(shop, read.row)
        except (ProviderError, StoreUnavailable) as error:
            raise CommandFailed(f"stopped at line {read.line}: {describe(error)}; {_GO_ON}") from error

    def _note(self, line: int, moved: Moved) -> None:
        self._counts.add(moved)
        if moved.registration is not None:
            self._memory.note_accepted(moved.registration.id)
        if moved.problems and self._counts.left_out <= MOST_TOLD:
            for problem in moved.problems:
                self._tell(Wrong(line, f"left out ({problem.code}): {problem.message}", column_of(problem.member)))

    async def _wait(self, registrations: Registrations) -> None:
        """Wait until every provider of every registration was tried once, by whichever process."""
        done = 0
        with Progress("telling the providers", self._counts.accepted) as progress:
            for numbers in self._memory.accepted(BATCH):
                while untried := await registrations.count_untried(numbers):
                    progress.reached(done + len(numbers) - untried)
                    await asyncio.sleep(LOOK_AGAIN_SECONDS)
                done += len(numbers)
                progress.reached(done)

    async def _is_done(self, registrations: Registrations) -> bool:
        """Print what became of the registrations at each provider; whether all of it is done."""
        steps: Counter[tuple[str, StepState]] = Counter()
        for numbers in self._memory.accepted(BATCH):
            steps.update(await registrations.count_steps(numbers))
        providers = sorted({provider for provider, _state in steps})
        rows = [(provider, *(str(steps[provider, state]) for state in SUMMARY)) for provider in providers]
        print_table("Registered", ("provider", *SUMMARY), rows)
        is_done = all(state is StepState.DONE for _provider, state in steps)
        if not is_done:
            tell("what is not done is listed by: trackgraph registrations")
        return is_done

    def _version(self) -> _Version:
        state = os.fstat(self._file.fileno())
        return _Version(state.st_size, state.st_mtime_ns)

    def _tell(self, wrong: Wrong) -> None:
        tell(f"{self._name}: {wrong}")

    def _read(self) -> Iterator[ReadRow | Wrong]:
        return read_rows(self._file, self._format)
