"""
Several deliveries over one connection, one after another or without waiting.

Node's `fetch` keeps connections, and a proxy puts whoever comes on those it has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11

from mock_calcom import headers
from mock_calcom.attempts import Attempt
from mock_calcom.deadlines import Deadline
from mock_calcom.exchange import Exchange, failed, opening_problem, problem
from mock_calcom.wire import BUDGET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mock_calcom.delivery import Delivery


def in_a_row(
    deliveries: Sequence[Delivery],
    *,
    waiting: bool = True,
    timeout: float = BUDGET,
    verify: bool | str = True,
) -> list[Attempt]:
    """
    One attempt for each delivery, all over one connection as far as the receiver keeps it open.

    A receiver may close a connection after any answer, and then nothing was heard of the rest:
    what got no answer for that reason is sent again over a fresh one, as every client does.

    Args:
        deliveries: what to send, in this order, to one URL.
        waiting: whether each waits for the answer to the one before it.
        timeout: the seconds after which all of it is over.
        verify: whether certificates are checked, or the file of an authority to trust.

    Raises:
        ValueError: if the URL of a delivery cannot be posted to.
    """
    deadline = Deadline(timeout)
    made: list[Attempt] = []
    while len(made) < len(deliveries):
        made += _over_one(deliveries[len(made) :], waiting, deadline, verify)
    return made


def _over_one(
    deliveries: Sequence[Delivery], waiting: bool, deadline: Deadline, verify: bool | str
) -> list[Attempt]:
    """The attempts that one connection carried: at least one, answered or not."""
    requests = [headers.head(delivery) + delivery.body for delivery in deliveries]
    try:
        line = Exchange.open(deliveries[0], deadline, verify=verify)
    except OSError as error:
        return [failed(deliveries[0], opening_problem(error), deadline)]
    made: list[Attempt] = []
    with line:
        try:
            line.send(b"".join(requests[:1] if waiting else requests))
            for delivery, request in zip(deliveries, requests, strict=True):
                if made and not line.next_request():
                    break
                if made and waiting:
                    line.send(request)
                answer = line.answer()
                made.append(Attempt(delivery, answer, None, answer.seconds))
        except (OSError, h11.RemoteProtocolError) as error:
            # Only the first of a connection has a claim to its answer.
            return made or [failed(deliveries[0], problem(error), deadline)]
    return made
