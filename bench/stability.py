"""
Says how steady a verdict is: `python bench/stability.py [RUNS] [--profile P] [--seed S] [-n JOBS]`.

Runs the whole suite against the reference receiver again and again, and counts the runs whose
checks did not end as those of the first.  The target is 0.  Without a seed each run has another
one, so other people, another order and other times; with one all are alike but for the uids.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

#: How a check ended: clause, title, outcome.
End = tuple[str, str, str]


def run(words: list[str], folder: Path) -> tuple[int, frozenset[End]]:
    """
    One run: its exit code, and how every check ended.

    Raises:
        RuntimeError: if it leaves no report.
    """
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "calcontract", "check", "--report", str(folder), *words],
        capture_output=True,
        text=True,
        check=False,
    )
    written = folder / "verdicts.json"
    if not written.is_file():
        raise RuntimeError(f"the run left no report: {done.stderr.strip()}")
    report = json.loads(written.read_text(encoding="utf-8"))
    return done.returncode, frozenset(
        (clause["id"], check["title"], check["outcome"])
        for clause in report["clauses"]
        for check in clause["checks"]
    )


def main() -> int:
    """Run as often as asked; 1 if two runs differ or one does not conform."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="?", type=int, default=20, help="how often (20)")
    parser.add_argument("--profile", default="guide", help="guide or calcom")
    parser.add_argument("--seed", type=int, help="of every run; another for each by default")
    parser.add_argument("-n", "--jobs", type=int, default=1, help="processes of each run")
    parser.add_argument("-m", "--select", default="", help="clauses, chapters or levels")
    told = parser.parse_args()
    first: frozenset[End] | None = None
    unlike = failed = 0
    for number in range(1, told.runs + 1):
        seed = number if told.seed is None else told.seed
        words = ["--profile", told.profile, "--seed", str(seed), "-n", str(told.jobs)]
        words += ["-m", told.select] if told.select else []
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="stability-") as folder:
            code, ends = run(words, Path(folder))
        first = ends if first is None else first
        differs = sorted(ends ^ first)
        unlike += bool(differs)
        failed += bool(code)
        print(
            f"run {number}: seed {seed}, exit code {code}, {len(ends)} checks in "
            f"{time.monotonic() - began:.1f} s, {len(differs)} unlike the first run",
            flush=True,
        )
        for end in differs:
            print("  ", "now" if end in ends else "then", *end, flush=True)
    print(f"{unlike} of {told.runs} runs were not identical, {failed} did not conform")
    return int(bool(unlike or failed))


if __name__ == "__main__":
    sys.exit(main())
