"""A restart of everything while a delivery waits for its next try: the try comes, once."""

import pytest

from tests.crash import state
from tests.crash.test_stalls import deliver, provide
from tests.unit.reference_impl.bodies import a_body

ROW = "SELECT state, tries FROM webhook_events"
TIMES = "SELECT due_at, finished_at FROM webhook_events"


@pytest.mark.slow
@pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
@pytest.mark.parametrize("shape", [{"workers": 0}, {"workers": 1}], ids=["one", "two"])
def test_a_restart_in_the_middle_of_a_backoff_loses_and_repeats_nothing(deploy, shape):
    # Longer than a restart takes, so that the try is still to come.
    settings = {"RECEIVER_BACKOFF": "8"}
    failing = deploy(arguments=("--testing",), **settings)
    provide(failing, "processing fails", uid="uid-1", times=1)
    deliver(failing, a_body(uid="uid-1"))
    assert state.becomes(failing.url, ROW, [("waiting", 1)])
    failing["web-0"].kill()
    ((due_at, finished_at),) = state.query(failing.url, TIMES)
    assert finished_at is None
    restarted = deploy(**shape, **settings)
    # Redelivered while it waits, which is no other try.
    deliver(restarted, a_body(uid="uid-1"))
    assert state.settled(failing.url)
    ((_, finished_at),) = state.query(failing.url, TIMES)
    assert due_at <= finished_at
    assert state.query(failing.url, ROW) == [("done", 2)]
    assert state.read(failing.url).effects == (("created", "uid-1"),)
