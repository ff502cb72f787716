"""The report for continuous integration: JUnit's XML, one test suite per chapter."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from calcontract.catalogue import Clause, Contract
from calcontract.records import CheckRecord, RunRecord
from calcontract.report import letters
from calcontract.verdicts import ACCUSING, UNCOUNTED, UNVERIFIED, Level, Outcome

#: What XML 1.0 cannot hold, not even escaped.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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
    elif record.outcome in UNVERIFIED or record.outcome is Outcome.ERROR:
        kind, counted = "error", "errors"
    ET.SubElement(case, kind, message=message, type=record.reason or record.outcome).text = text
    return counted


def write(path: Path, run: RunRecord, contract: Contract) -> None:
    """
    Write the report to *path*.

    Raises:
        OSError: if it cannot be written.
    """
    root = ET.Element("testsuites", name=f"calcontract {run.profile}", time=f"{run.seconds:.3f}")
    for chapter in contract.chapters:
        clauses = [clause for clause in chapter.clauses if clause.id in run.levels]
        if not clauses:
            continue
        suite = ET.SubElement(root, "testsuite", name=f"{chapter.name}: {chapter.title}")
        counts = {"passed": 0, "failures": 0, "errors": 0, "skipped": 0}
        for clause in clauses:
            for record in run.checks[clause.id]:
                counts[_case(suite, record, clause, run)] += 1
        suite.set("tests", str(sum(counts.values())))
        for name in ("failures", "errors", "skipped"):
            suite.set(name, str(counts[name]))
    if run.setup_problem is not None:
        suite = ET.SubElement(root, "testsuite", name="set-up", tests="1", errors="1")
        case = ET.SubElement(suite, "testcase", classname="setup", name="the target is judged")
        ET.SubElement(case, "error", message=_clean(str(run.setup_problem)), type="setup")
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
