"""The harness can fail: receivers that do not survive a kill are caught by a bounded number."""

import sys
from pathlib import Path

import pytest

from tests.crash import broken
from tests.crash.run import crash

_HERE = Path(__file__).parent

#: Kills between two looks at what there is, and how often they are begun again.
_KILLS, _ROUNDS = 3, 10


def command(script, name, *words):
    return {"web": (sys.executable, str(_HERE.parent / script), name, *words)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("web", "kind"),
    [
        (command("crash/broken.py", "AcknowledgesBeforeTheCommit", "serve"), "lost"),
        (command("crash/broken.py", "MarksBeforeTheEffect", "serve"), "lost"),
        (command("crash/broken.py", "MarksAfterTheEffect", "serve"), "doubled"),
        # Of the gallery: these forget, or repeat, only when they start again.
        (command("mutants/serve.py", "ForgetsTheQueueOnRestart"), "lost"),
        (command("mutants/serve.py", "ForgetsDeliveriesOnRestart"), "doubled"),
    ],
    ids=lambda value: value["web"][2] if isinstance(value, dict) else value,
)
def test_a_receiver_that_does_not_survive_a_kill_is_caught(web, kind, deploy):
    outcome = crash(web["web"][2], deploy(**web), _KILLS, rounds=_ROUNDS, threads=6, pause=0.0)
    assert kind in {finding.kind for finding in outcome.findings}


def test_one_that_survives_is_not_accused_however_often_it_is_begun_again(deploy):
    assert not crash("sound", deploy(), 1, rounds=2, threads=2).findings


def test_every_broken_receiver_says_how_it_is_broken():
    assert all(
        part.__doc__
        for part in vars(broken).values()
        if getattr(part, "__module__", "") == broken.__name__
    )
