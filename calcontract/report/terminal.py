"""What `calcontract check` prints: progress, the clauses by chapter, letters, the verdict."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from calcontract.catalogue import Chapter, Contract
from calcontract.records import NOT_RUN, CheckRecord, RunRecord
from calcontract.report import deaths, letters, summary
from calcontract.verdicts import ACCUSING, UNCOUNTED, Outcome

_STYLES = {
    Outcome.PASS: "green",
    Outcome.FAIL: "red",
    Outcome.FLAKY: "red",
    Outcome.ERROR: "red",
    Outcome.OUTSIDE_SCOPE: "dim",
    Outcome.NOT_APPLICABLE: "dim",
}

#: Letters after these are left to the JSON report, so that the verdict stays on the screen: of
#: those that accuse, and of those that only leave open.
_LETTERS_PER_CLAUSE = 2
_LETTERS_LEFT_OPEN = 1

#: A longer command is described and not printed, in characters.
_LONGEST_COMMAND = 1000

#: Where no line can move, one is written to standard error each time so many seconds are over.
_NEWS = 20.0

#: How pytest says that a check has ended; one that is to be run again has not.
_ENDS = frozenset({"passed", "failed", "skipped"})


class Terminal:
    """
    Takes the place of pytest's own terminal output.

    Args:
        console: where to print.
        verbose: whether every clause and every letter is printed.
    """

    def __init__(self, console: Console, *, verbose: bool = False) -> None:
        self._console = console
        self._verbose = verbose
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("checks")
        self._news = Console(stderr=True, highlight=False)
        self._began = self._told = time.monotonic()
        #: Collection problems, which pytest would have printed.
        self.problems: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Start the progress line."""
        self._progress.update(self._task, total=len(session.items))
        self._progress.start()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what went wrong in collecting."""
        if report.failed:
            self.problems.append(str(report.longrepr))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Move the progress line, or write one now and then."""
        if report.when == "call" and report.outcome in _ENDS:
            self._progress.advance(self._task)
            self._tell(time.monotonic())

    def _tell(self, now: float) -> None:
        """Write how far the run is *now*, where no line moves and none was written lately."""
        if not self._progress.disable or now - self._told < _NEWS:
            return
        self._told = now
        (task,) = self._progress.tasks
        done = f"{task.completed:.0f} of {task.total or 0:.0f} checks"
        self._news.print(f"{done}, {now - self._began:.0f} s")

    def pytest_sessionfinish(self) -> None:
        """Take the progress line away."""
        self._progress.stop()

    def show(self, run: RunRecord, contract: Contract) -> None:
        """Print what came of *run*."""
        if run.setup_problem is None:
            for chapter in contract.chapters:
                self._chapter(chapter, run)
            self._letters(run, contract)
        for line in summary.lines(run, contract):
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def _chapter(self, chapter: Chapter, run: RunRecord) -> None:
        clauses = [
            clause
            for clause in chapter.clauses
            if clause.id in run.levels and not (run.interrupted and _untouched(run, clause.id))
        ]
        if not clauses:
            return
        self._console.print(Text(f"{chapter.name}  {chapter.title}", style="bold"))
        for clause in clauses:
            records = run.checks[clause.id]
            outcome = run.outcome(clause.id)
            passed = sum(record.outcome is Outcome.PASS for record in records)
            counted = sum(record.outcome not in UNCOUNTED for record in records)
            line = Text(f"  {letters.mark(outcome)} ", style=_STYLES.get(outcome, "yellow"))
            line.append(f"{clause.id} {clause.level.upper():<9}", style="none")
            count = f"{passed}/{counted}" if counted else outcome.value
            line.append(f" {count:>7}  {clause.text}", style="none")
            self._console.print(line, soft_wrap=True)
        self._console.print()

    def _letters(self, run: RunRecord, contract: Contract) -> None:
        for clause in contract.clauses():
            records = [
                record
                for record in run.checks.get(clause.id, ())
                if record.outcome is not Outcome.PASS
                and record.outcome not in UNCOUNTED
                # One sentence says it of all of them.
                and not (run.interrupted and record.reason == NOT_RUN)
                and not deaths.is_left_dead(record)
            ]
            shown = records if self._verbose else _first(records)
            longest = None if self._verbose else _LONGEST_COMMAND
            for record in shown:
                style = "red" if record.outcome in ACCUSING else "yellow"
                letter = letters.letter(record, clause, run, longest=longest)
                self._console.print(Text(letter, style=style), soft_wrap=True)
                self._console.print()
            if more := len(records) - len(shown):
                self._console.print(
                    f"         and {more} more {'check' if more == 1 else 'checks'} of {clause.id} "
                    "(--verbose shows them, --report keeps them)\n",
                    highlight=False,
                    soft_wrap=True,
                )


def _untouched(run: RunRecord, clause_id: str) -> bool:
    """Whether no check of a clause was run, of those that were to be."""
    records = run.checks[clause_id]
    return any(record.reason == NOT_RUN for record in records) and not any(
        record.ran for record in records
    )


def _first(records: Sequence[CheckRecord]) -> Sequence[CheckRecord]:
    """Those of *records* that are told of when not all are; who accuses comes first."""
    accusing = [record for record in records if record.outcome in ACCUSING]
    return accusing[:_LETTERS_PER_CLAUSE] or records[:_LETTERS_LEFT_OPEN]
