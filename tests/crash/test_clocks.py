"""Clocks that jump by hours, forwards and backwards, under load: nothing is lost or doubled."""

import sys
from pathlib import Path

import pytest

from tests.crash.run import Run

_BROKEN = (sys.executable, str(Path(__file__).with_name("broken.py")), "ClockInAFile")

#: Where the clock stands, in seconds off the machine's, one jump after the other.
_HOUR = 3600
JUMPS = (5 * _HOUR, 0, -8 * _HOUR, 20 * _HOUR, 0)


@pytest.mark.slow
@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
@pytest.mark.parametrize("workers", [0, 1])
def test_a_clock_that_jumps_by_hours_loses_and_doubles_nothing(workers, deploy, tmp_path):
    clock = tmp_path / "clock"
    clock.write_text("0")
    deployment = deploy(
        web=(*_BROKEN, "serve"),
        worker=(*_BROKEN, "worker"),
        workers=workers,
        CRASH_CLOCK=str(clock),
    )
    run = Run(f"{deployment.database}, clock jumps, {workers} workers beside", deployment)
    with run.load(pause=0.0) as senders:
        for jump in JUMPS:
            assert run.comes_through()
            clock.with_suffix(".new").write_text(str(jump))
            clock.with_suffix(".new").replace(clock)
    run.judge(senders)
    assert run.outcome().findings == ()
