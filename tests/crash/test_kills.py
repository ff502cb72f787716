"""
Processes killed at random under load: what was acknowledged has exactly one effect.

A gate runs a few kills; `make crash` runs a hundred on each deployment.
"""

import pytest

from tests.crash.run import THOROUGH, crash

#: SIGKILLs on each deployment.
KILLS = 100 if THOROUGH else 6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("SQLite, one process", {"webs": 1, "workers": 0}),
        ("SQLite, web and worker", {"webs": 1, "workers": 1}),
    ],
    ids=["sqlite-one", "sqlite-two"],
)
def test_a_killed_deployment_on_sqlite_keeps_what_it_acknowledged(name, shape, deploy):
    outcome = crash(name, deploy(**shape), KILLS)
    assert outcome.kills == KILLS
    assert outcome.findings == ()
