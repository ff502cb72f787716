"""The report for continuous integration: JUnit's XML, one test suite per chapter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

from calcontract.catalogue import Clause, Contract
from calcontract.records import CheckRecord, RunRecord
from calcontract.report import letters, summary
from calcontract.verdicts import ACCUSING, UNCOUNTED, Level, Outcome

#: What XML 1.0 cannot hold, not even escaped.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


#: What a test case can count as.
_COUNTED = ("passed", "failures", "errors", "skipped")


def _clean(text: str) -> str:
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _fatal(clause: Clause, run: RunRecord) -> bool:
    return clause.level is Level.MUST or (
        run.strict if clause.level is Level.SHOULD else run.hardened
    )


def _case(parent: ET.Element, record: CheckRecord, clause: Clause, run: RunRecord) -> str:
    """Add *record* below *parent*; the name of what it counts as."""
    case = ET.SubElement(
        parent,
        "testcase",
        classname=f"{clause.chapter}.{clause.id}",
        name=_clean(record.title),
        time=f"{record.seconds:.6f}",
    )
    if record.outcome is Outcome.PASS:
        return "passed"
    text = _clean(letters.letter(record, clause, run))
    message = _clean(f"{record.outcome}: {record.sentence}")
    if record.outcome in UNCOUNTED or record.known:
        kind, counted = "skipped", "skipped"
    elif record.outcome in ACCUSING:
        kind, counted = ("failure", "failures") if _fatal(clause, run) else ("skipped", "skipped")
    else:
        kind, counted = "error", "errors"
    ET.SubElement(case, kind, message=message, type=record.reason or record.outcome).text = text
    return counted


def _suite(root: ET.Element, name: str) -> tuple[ET.Element, dict[str, int]]:
    return ET.SubElement(root, "testsuite", name=name), dict.fromkeys(_COUNTED, 0)


def _count(element: ET.Element, counts: Mapping[str, int]) -> None:
    """Write *counts* to *element*, in the words of JUnit."""
    element.set("tests", str(sum(counts.values())))
    for name in ("failures", "errors", "skipped"):
        element.set(name, str(counts[name]))


def _remark(suite: ET.Element, kind: str, name: str, message: str) -> None:
    """Add something that went wrong and is no check."""
    case = ET.SubElement(suite, "testcase", classname=suite.get("name", ""), name=name)
    ET.SubElement(case, kind, message=_clean(message), type=suite.get("name", ""))


def write(path: Path, run: RunRecord, contract: Contract) -> None:
    """
    Write the report to *path*.

    Raises:
        OSError: if it cannot be written.
    """
    root = ET.Element("testsuites", name=f"calcontract {run.profile}", time=f"{run.seconds:.3f}")
    totals = dict.fromkeys(_COUNTED, 0)
    for chapter in contract.chapters:
        clauses = [clause for clause in chapter.clauses if clause.id in run.levels]
        if not clauses:
            continue
        suite, counts = _suite(root, f"{chapter.name}: {chapter.title}")
        for clause in clauses:
            for record in run.checks[clause.id]:
                counts[_case(suite, record, clause, run)] += 1
        _count(suite, counts)
        totals = {name: totals[name] + counts[name] for name in _COUNTED}
    # What ends a run although no check says so has to be seen by those who read only this file.
    if run.stale:
        suite, counts = _suite(root, "known violations")
        for stale in run.stale:
            _remark(suite, "failure", stale.entry.id, f"{stale.entry.id} {stale.why}")
        counts["failures"] = len(run.stale)
        _count(suite, counts)
        totals["failures"] += len(run.stale)
    if run.interrupted:
        suite, counts = _suite(root, "interrupted")
        _remark(suite, "error", "the run comes to its end", summary.headline(run))
        counts["errors"] = 1
        _count(suite, counts)
        totals["errors"] += 1
    if run.setup_problem is not None:
        suite, counts = _suite(root, "set-up")
        _remark(suite, "error", "the target is judged", str(run.setup_problem))
        counts["errors"] = 1
        _count(suite, counts)
        totals["errors"] += 1
    _count(root, totals)
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
