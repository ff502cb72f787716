"""The probe and the provider states over HTTP (`schemas/probe.openapi.json`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import requests
import urllib3

from calcontract.errors import CapabilityError, StateUnknown
from calcontract.handling import Words
from calcontract.probes import Look

#: A probe is beside the receiver; one that needs longer than this is out of order, in seconds.
_TIMEOUT = 10.0

#: The answer to the name of a provider state that the receiver does not know.
_UNKNOWN = 404


class _Place:
    """
    An address beside the receiver.

    Args:
        url: the address.
        verify: whether its certificate is checked, or the file of an authority to trust.
    """

    def __init__(self, url: str, *, verify: bool | str = True) -> None:
        self._url = url
        self._session = _session(verify)

    def trust_anybody(self) -> None:
        """Verify no certificate from here on."""
        # Whoever runs the suite is told once, and not by a library with every look.
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self._session.verify = False


def _session(verify: bool | str) -> requests.Session:
    session = requests.Session()
    session.verify = verify
    # A proxy of the environment must not come between us and a receiver on this machine.
    session.trust_env = False
    return session


class HttpProbe(_Place):
    """
    A read-only endpoint of the receiver.

    Args:
        url: its address.
        words: a translation of its words into ours, if it has its own.
        verify: whether its certificate is checked, or the file of an authority to trust.
    """

    def __init__(self, url: str, words: Words | None = None, *, verify: bool | str = True) -> None:
        super().__init__(url, verify=verify)
        self._words = words

    def look(self, uids: Sequence[str] = (), appointment: str | None = None) -> Look:
        """
        What the receiver holds about the bookings called *uids* and one *appointment*.

        Raises:
            CapabilityError: if the endpoint cannot be reached or answers in another shape.
        """
        query: list[tuple[str, str]] = [("uid", uid) for uid in uids]
        if appointment is not None:
            query.append(("appointment", appointment))
        try:
            response = self._session.get(self._url, params=query, timeout=_TIMEOUT)
        except requests.RequestException as error:
            raise CapabilityError(
                f"the probe at {self._url} cannot be reached ({type(error).__name__})",
                hint="start it, or leave --probe out",
            ) from None
        if response.status_code != 200:
            raise CapabilityError(
                f"the probe at {self._url} answered {response.status_code}",
                hint="see schemas/probe.openapi.json for what it has to answer",
            )
        try:
            return Look.of(response.json(), self._words)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CapabilityError(
                f"the probe at {self._url} answered in another shape ({error!r})",
                hint="see schemas/probe.openapi.json for what it has to answer",
            ) from None


class HttpStates(_Place):
    """The provider states of the receiver: preconditions that are set up inside it."""

    def set(self, state: str, **params: Any) -> None:
        """
        Bring the receiver into *state*.

        Raises:
            StateUnknown: if the receiver does not know the state.
            CapabilityError: if the endpoint cannot be reached, or failed.
        """
        try:
            response = self._session.post(
                self._url, json={"state": state, "params": params}, timeout=_TIMEOUT
            )
        except requests.RequestException as error:
            raise CapabilityError(
                f"the provider states at {self._url} cannot be reached ({type(error).__name__})",
                hint="start the receiver for testing, or leave --states out",
            ) from None
        if response.status_code == _UNKNOWN:
            raise StateUnknown(state)
        if not response.ok:
            raise CapabilityError(
                f"the provider state {state!r} was answered with {response.status_code}",
                hint="offer it as described in schemas/probe.openapi.json",
            )
