"""
A store in trouble under load: 503 with Retry-After meanwhile, recovery by itself, nothing lost.

The full disk is a small tmpfs where one may be mounted.  Elsewhere the process gets a limit on the
size of its files: a write that fails with another errno, but for the same lack of room.
"""

import pytest

from tests.crash import troubles
from tests.crash.deployment import RECEIVER
from tests.crash.run import endure

#: Every answer has to come within this.
_BUDGET = {"timeout": 10.0, "torn": 0.0}
_SETTINGS = {"RECEIVER_STORE_SECONDS": "1"}


@pytest.fixture
def disk(tmp_path):
    """A folder on a small disk of its own, and whether there is one."""
    folder = tmp_path / "disk"
    with troubles.small_disk(folder, megabytes=64) as mounted:
        yield folder, mounted


@pytest.mark.slow
def test_a_full_disk_loses_nothing(disk, deploy):
    folder, mounted = disk
    deployment = deploy(on=f"sqlite:///{folder}/receiver.db", **_SETTINGS)
    full = troubles.Full(folder) if mounted else troubles.Limited(deployment["web-0"].popen)
    outcome = endure("SQLite, disk full", deployment, full, full, **_BUDGET)
    assert outcome.findings == ()


@pytest.mark.slow
def test_a_limit_on_the_size_of_files_loses_nothing(deploy):
    deployment = deploy(**_SETTINGS)
    limited = troubles.Limited(deployment["web-0"].popen)
    outcome = endure("SQLite, files limited", deployment, limited, limited, **_BUDGET)
    assert outcome.findings == ()


@pytest.mark.slow
def test_a_locked_store_loses_nothing(deploy, tmp_path):
    locked = troubles.Locked(tmp_path / "receiver.db")
    deployment = deploy(workers=1, **_SETTINGS)
    outcome = endure("SQLite, locked", deployment, locked, locked, **_BUDGET)
    assert outcome.findings == ()


@pytest.mark.slow
def test_a_file_that_is_gone_for_a_while_loses_nothing(deploy, tmp_path):
    gone = troubles.Gone(tmp_path / "receiver.db")
    outcome = endure("SQLite, file gone", deploy(**_SETTINGS), gone, gone, **_BUDGET)
    assert outcome.findings == ()


@pytest.mark.slow
def test_a_file_that_became_read_only_loses_nothing(deploy, tmp_path):
    deployment = deploy(web=(*troubles.ReadOnly.unprivileged, *RECEIVER, "serve"), **_SETTINGS)
    read_only = troubles.ReadOnly(tmp_path / "receiver.db", deployment["web-0"])
    outcome = endure("SQLite, file read-only", deployment, read_only, **_BUDGET)
    assert outcome.findings == ()
