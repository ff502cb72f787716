"""What the tests of this room do with a receiver that is put together."""

from sqlalchemy import select

from reference_impl import probe
from reference_impl.tables import webhook_events
from tests.unit.reference_impl.bodies import a_body


def put(machine, *args, **kwargs):
    """Store a delivery of such a body: its webhook id."""
    body = a_body(*args, **kwargs)
    entry = machine.receiver.entry(machine.receiver.read(body), body)
    machine.inbox.write([entry])
    return entry.webhook_id


def claim(machine):
    """The delivery that is next, claimed alone, or `None`."""
    jobs = machine.leases.claim()
    return jobs[0] if jobs else None


def row(machine, webhook_id):
    """The row of a delivery."""
    with machine.store.read() as connection:
        query = select(webhook_events).where(webhook_events.c.webhook_id == webhook_id)
        return connection.execute(query).mappings().one()


def look(machine, *uids, ids=()):
    """What the probe sees of these bookings and appointments."""
    with machine.store.read() as connection:
        return probe.look(connection, uids, ids, machine.clock.now())
