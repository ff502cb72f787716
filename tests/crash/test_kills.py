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
    ("url", "shape"),
    [
        ("sqlite", {"webs": 1, "workers": 0}),
        ("sqlite", {"webs": 1, "workers": 1}),
        ("postgresql", {"webs": 2, "workers": 2}),
    ],
    indirect=["url"],
    ids=["sqlite-one", "sqlite-two", "postgresql-four"],
)
def test_a_killed_deployment_keeps_what_it_acknowledged(url, shape, deploy):
    deployment = deploy(**shape)
    outcome = crash(f"{deployment.database}, {shape}", deployment, KILLS)
    assert outcome.kills == KILLS
    assert outcome.findings == ()
