"""The report for machines: one JSON document, in the shape of `schemas/report.json`."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from typing import Any

from calcontract.catalogue import Contract
from calcontract.records import CheckRecord, Exchange, RunRecord
from calcontract.report import letters, summary


def _exchange(exchange: Exchange | None) -> dict[str, Any] | None:
    if exchange is None:
        return None
    return {
        "method": exchange.method,
        "url": exchange.url,
        "headers": [list(line) for line in exchange.headers],
        "body": exchange.body.decode("utf-8", "backslashreplace"),
        "signedBody": None
        if exchange.signed == exchange.body
        else exchange.signed.decode("utf-8", "backslashreplace"),
        "status": exchange.status,
        "answerHeaders": [list(line) for line in exchange.answer_headers],
        "answerBody": exchange.answer_body,
        "problem": exchange.problem,
        "seconds": round(exchange.seconds, 6),
        "curl": letters.curl(exchange),
    }


def _check(record: CheckRecord) -> dict[str, Any]:
    return {
        "title": record.title,
        "outcome": record.outcome.value,
        "reason": record.reason,
        "sentence": record.sentence,
        "expected": record.expected,
        "seconds": round(record.seconds, 6),
        "known": record.known,
        "exchange": _exchange(record.exchange),
    }


def report(run: RunRecord, contract: Contract) -> dict[str, Any]:
    """Everything about *run*, in the shape of `schemas/report.json`."""
    verdict = run.verdict
    return {
        "suite": {"name": "calcontract", "version": metadata.version("calcontract")},
        "target": run.target,
        "profile": run.profile,
        "scope": run.scope,
        "capabilities": list(run.capabilities),
        "unknownStates": list(run.unknown_states),
        "handles": None if run.handled is None else list(run.handled),
        "selection": run.selection or None,
        "seed": run.seed,
        "strict": run.strict,
        "hardened": run.hardened,
        "started": run.started.isoformat(timespec="seconds"),
        "seconds": round(run.seconds, 3),
        "attempts": run.attempts,
        "verdict": verdict.conclusion.value if verdict else "not judged",
        "headline": summary.headline(run),
        "exitCode": int(run.exit_code),
        "setupProblem": str(run.setup_problem) if run.setup_problem else None,
        "certificate": run.certificate or None,
        "must": {
            "inScope": verdict.must_in_scope if verdict else 0,
            "verified": verdict.must_verified if verdict else 0,
        },
        "deviations": list(verdict.deviations) if verdict else [],
        "staleKnownViolations": [
            {"id": stale.entry.id, "why": stale.why, "link": stale.entry.link}
            for stale in run.stale
        ],
        "deaths": [
            {
                "clauses": list(death.clauses),
                "explained": run.explains(death),
                "lastWords": list(death.words),
                "ending": death.ending,
            }
            for death in run.deaths
        ],
        "sent": {"uids": list(run.uids)},
        "clauses": [
            {
                "id": clause.id,
                "chapter": clause.chapter,
                "level": clause.level.value,
                "profiles": sorted(clause.profiles),
                "text": clause.text,
                "source": clause.source,
                "outcome": run.outcome(clause.id).value,
                "checks": [_check(record) for record in run.checks[clause.id]],
            }
            for clause in contract.clauses()
            if clause.id in run.levels
        ],
    }


def write(path: Path, run: RunRecord, contract: Contract) -> None:
    """
    Write the report to *path*.

    Raises:
        OSError: if it cannot be written.
    """
    text = json.dumps(report(run, contract), ensure_ascii=False, indent=2)
    path.write_text(f"{text}\n", encoding="utf-8", errors="backslashreplace")
