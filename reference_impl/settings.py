"""
The settings of the receiver: the guide's environment variables and what is new.

One declaration per setting: its field, its variable, its default and how its text is read.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: The path the guide registers ("Configure Webhook URL in Cal.com").
WEBHOOK_PATH = "/api/webhooks/calcom"

#: Paths that are taken.
_RESERVED = ("/_testing", "/admin/webhooks", "/healthz", "/readyz")

#: Characters of a password that nobody guesses over a network.
_PASSWORD_LENGTH = 16

#: Hosts that nobody reaches from another machine.
_THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})

#: In seconds.  Whoever waits for longer waits for ever, and timers of the system overflow.
_YEAR = 365 * 24 * 3600

#: Threads that work.  Each needs connections of the store's pool, which has few more than these.
_MOST_THREADS = 64

#: Deliveries of a batch: statements name each of them, and databases bound what one may name.
_MOST_TOGETHER = 1000

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


class BadSettingsError(ValueError):
    """A setting is missing or cannot be read; the message is one sentence for the operator."""


def _boolean(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise ValueError("expected true or false")


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("expected a whole number") from None


def _positive(text: str) -> int:
    number = _whole(text)
    if number < 1:
        raise ValueError("expected a whole number above 0")
    return number


def _up_to(most: int, *, least: int = 1) -> Callable[[str], int]:
    """Reads a whole number from *least* to *most*."""

    def read(text: str) -> int:
        number = _whole(text)
        if not least <= number <= most:
            raise ValueError(f"expected a whole number from {least} to {most}")
        return number

    return read


def _natural(text: str) -> int:
    number = _whole(text)
    if number < 0:
        raise ValueError("expected a whole number, 0 or above")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number <= _YEAR:
        raise ValueError("expected a number of seconds above 0, a year (31536000) at most")
    return number


def _schedule(text: str) -> tuple[float, ...]:
    return tuple(_seconds(part) for part in text.split(","))


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _setting(
    variable: str, default: Any, read: Callable[[str], Any] = str, *, hidden: bool = False
) -> Any:
    """One setting: a dataclass field that knows its environment variable."""
    return dataclasses.field(
        default=default, repr=not hidden, metadata={"variable": variable, "read": read}
    )


@dataclass(frozen=True)
class Settings:
    """What the operator decided.  Its repr hides what is secret."""

    #: The secret the subscription signs with.
    secret: str = _setting("CALCOM_WEBHOOK_SECRET", "", hidden=True)
    #: The secret before a rotation; deliveries signed with it are still accepted while it is set.
    previous_secret: str = _setting("CALCOM_WEBHOOK_SECRET_PREVIOUS", "", hidden=True)
    #: Whether signatures are verified; `False` only in the environment `local`.
    verify_signature: bool = _setting("CALCOM_WEBHOOK_VERIFY_SIGNATURE", True, _boolean)
    #: Whether logs hold the payload, which is personal data.
    log_payloads: bool = _setting("CALCOM_WEBHOOK_LOG_PAYLOADS", False, _boolean)
    #: The queue deliveries go to and workers take from.
    queue: str = _setting("CALCOM_WEBHOOK_QUEUE", "webhooks")
    #: How often a delivery is tried before it is a dead letter.
    attempts: int = _setting("CALCOM_WEBHOOK_RETRY_ATTEMPTS", 3, _positive)
    #: Where the inbox lives, as SQLAlchemy spells it; may carry a password.
    database_url: str = _setting("DATABASE_URL", "sqlite:///receiver.db", hidden=True)
    #: `local` permits running without verification; anything else is taken for production.
    environment: str = _setting("RECEIVER_ENVIRONMENT", "production")
    #: The path that receives deliveries.
    path: str = _setting("RECEIVER_PATH", WEBHOOK_PATH)
    #: The certificate to show, with its chain, and its key; without them it speaks plain http.
    certfile: str = _setting("RECEIVER_CERTFILE", "")
    keyfile: str = _setting("RECEIVER_KEYFILE", "")
    #: The largest body taken, in bytes.
    body_limit: int = _setting("RECEIVER_BODY_LIMIT", 1024 * 1024, _positive)
    #: Seconds within which a body must have arrived.
    body_seconds: float = _setting("RECEIVER_BODY_SECONDS", 10.0, _seconds)
    #: The largest header block taken, in bytes.
    head_bytes: int = _setting("RECEIVER_HEAD_BYTES", 64 * 1024, _positive)
    #: Seconds within which a header block must have arrived.
    head_seconds: float = _setting("RECEIVER_HEAD_SECONDS", 10.0, _seconds)
    #: Attempts per minute and client address; 0 is no throttle.
    throttle: int = _setting("RECEIVER_THROTTLE", 0, _natural)
    #: Addresses of proxies whose X-Forwarded-For is believed, separated by commas.
    trusted_proxies: str = _setting("RECEIVER_TRUSTED_PROXIES", "")
    #: Seconds a worker may hold a delivery before another takes it.
    lease: float = _setting("RECEIVER_LEASE", 60.0, _seconds)
    #: Seconds to wait after the first, second, ... failed try (guide, `$backoff`).
    backoff: tuple[float, ...] = _setting("RECEIVER_BACKOFF", (60.0, 300.0, 900.0), _schedule)
    #: Deliveries worked on at the same time.
    workers: int = _setting("RECEIVER_WORKERS", 4, _up_to(_MOST_THREADS))
    #: The most deliveries that share a transaction when there is a backlog; 0: as many as suit the
    #: store, 1: none does.
    batch: int = _setting("RECEIVER_BATCH", 0, _up_to(_MOST_TOGETHER, least=0))
    #: Seconds between looks for work that another process accepted.
    poll: float = _setting("RECEIVER_POLL", 0.5, _seconds)
    #: Seconds to wait for a busy store before answering 503.
    store_seconds: float = _setting("RECEIVER_STORE_SECONDS", 5.0, _seconds)
    #: Apprise URLs of the administrators, separated by white space; they may hold credentials.
    notify: tuple[str, ...] = _setting("RECEIVER_NOTIFY", (), _words, hidden=True)
    #: Seconds between two notices: the first dead letter of an incident is told at once, and those
    #: that follow within this time are summarised.
    notify_seconds: float = _setting("RECEIVER_NOTIFY_SECONDS", 900.0, _seconds)
    #: Seconds that attempts and deliveries under way have to end after SIGTERM.
    stop_seconds: float = _setting("RECEIVER_STOP_SECONDS", 10.0, _seconds)
    #: Seconds the oldest due delivery may wait before /readyz says no; 0 is no limit.
    backlog_seconds: int = _setting("RECEIVER_BACKLOG_SECONDS", 900, _natural)
    #: Where metrics are served, as HOST:PORT; never on the port that receives deliveries.  Empty:
    #: nowhere.
    metrics: str = _setting("RECEIVER_METRICS", "")
    #: The bearer token that a reader of the metrics has to show; needed beyond this machine.
    metrics_token: str = _setting("RECEIVER_METRICS_TOKEN", "", hidden=True)
    #: The password of the dashboard at /admin/webhooks; empty: there is none.
    admin_password: str = _setting("RECEIVER_ADMIN_PASSWORD", "", hidden=True)
    #: The URL that the subscription delivers to, for `verify-webhooks`.
    public_url: str = _setting("RECEIVER_PUBLIC_URL", "")
    #: Cal.com's API, for `verify-webhooks`; https://api.cal.eu/v2 in Europe.
    api_url: str = _setting("CALCOM_API_URL", "https://api.cal.com/v2")
    #: The key to that API.
    api_key: str = _setting("CALCOM_API_KEY", "", hidden=True)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """
        The settings in *environment*, by default the environment of this process.

        Raises:
            BadSettingsError: if a variable cannot be read; its value is not repeated, since a
                misplaced secret would show.
        """
        variables = os.environ if environment is None else environment
        values: dict[str, Any] = {}
        for field in dataclasses.fields(cls):
            name = field.metadata["variable"]
            if name not in variables:
                continue
            try:
                values[field.name] = field.metadata["read"](variables[name])
            except ValueError as problem:
                raise BadSettingsError(f"{name} cannot be read: {_reason(problem)}") from None
        return cls(**values)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secrets a delivery may be signed with, the current one first."""
        return tuple(secret for secret in (self.secret, self.previous_secret) if secret)

    def check(self) -> Settings:
        """
        These settings, once they are known to be safe to serve with.

        Raises:
            BadSettingsError: if verification lacks a secret, or has a blank one beside it, is
                switched off outside the environment `local`, or the path, the proxies or the
                certificate cannot be used.
        """
        if self.verify_signature and not self.secret.strip():
            raise BadSettingsError(
                "CALCOM_WEBHOOK_SECRET is not set: without it anybody could send deliveries; "
                "set it to the secret of the subscription"
            )
        if self.previous_secret and not self.previous_secret.strip():
            raise BadSettingsError(
                "CALCOM_WEBHOOK_SECRET_PREVIOUS is blank: anybody could sign with white space; "
                "unset it if there is no previous secret"
            )
        if not self.verify_signature and self.environment != "local":
            raise BadSettingsError(
                "CALCOM_WEBHOOK_VERIFY_SIGNATURE=false is honoured only with "
                "RECEIVER_ENVIRONMENT=local: never switch verification off in production"
            )
        if not self.path.startswith("/") or self.path.startswith(_RESERVED):
            raise BadSettingsError(
                f"RECEIVER_PATH must start with / and lie outside {', '.join(_RESERVED)}"
            )
        if self.admin_password and len(self.admin_password) < _PASSWORD_LENGTH:
            raise BadSettingsError(
                f"RECEIVER_ADMIN_PASSWORD must have {_PASSWORD_LENGTH} characters or more"
            )
        self.check_metrics()
        self.check_proxies()
        if bool(self.certfile) != bool(self.keyfile):
            raise BadSettingsError("RECEIVER_CERTFILE and RECEIVER_KEYFILE belong together")
        return self

    def check_proxies(self) -> None:
        """
        See that the proxies are addresses; anything else would be believed of nobody, or of all.

        Raises:
            BadSettingsError: if one is not.
        """
        for given in filter(None, self.trusted_proxies.replace(" ", "").split(",")):
            try:
                ipaddress.ip_network(given)
            except ValueError:
                raise BadSettingsError(
                    "RECEIVER_TRUSTED_PROXIES must be addresses or networks with commas between, "
                    "as 127.0.0.1,10.0.0.0/8"
                ) from None

    def check_metrics(self) -> None:
        """
        See that the metrics are served safely, if they are.

        Raises:
            BadSettingsError: if the address cannot be read, or lies beyond this machine and
                nobody has to show a token.
        """
        if not self.metrics:
            return
        host, _ = self.metrics_address
        if host not in _THIS_MACHINE and not self.metrics_token.strip():
            raise BadSettingsError(
                "RECEIVER_METRICS beyond this machine needs RECEIVER_METRICS_TOKEN: "
                "anybody could read the metrics"
            )

    @property
    def metrics_address(self) -> tuple[str, int]:
        """
        The host and the port that metrics are served on.

        Raises:
            BadSettingsError: if they cannot be read.
        """
        host, _, port = self.metrics.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not host or not (port.isascii() and port.isdigit() and int(port) <= 65535):
            raise BadSettingsError("RECEIVER_METRICS must be HOST:PORT, as 127.0.0.1:9464")
        return host, int(port)


def _reason(problem: ValueError) -> str:
    """Why a value was not understood, without the value (`int` and `float` would quote it)."""
    text = str(problem)
    return text if text.startswith("expected") else "expected a number"
