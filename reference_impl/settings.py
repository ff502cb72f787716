"""
The settings of the receiver: the guide's environment variables and what is new.

One declaration per setting: its field, its variable, its default and how its text is read.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reference_impl.readings import YEAR, boolean, schedule, seconds, short_name, whole, words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: The path the guide registers ("Configure Webhook URL in Cal.com").
WEBHOOK_PATH = "/api/webhooks/calcom"

#: Paths that are taken.
_RESERVED = ("/_testing", "/admin/webhooks", "/healthz", "/readyz")

#: As servers see it: decoded, and as no client would write it differently.
_PATH = re.compile(r"/|(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~!$&'()*+,;=:@-]+)+/?")

#: Characters of a password that nobody guesses over a network.
_PASSWORD_LENGTH = 16

#: Hosts that nobody reaches from another machine.
_THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})

#: Threads that work.  Each needs connections of the store's pool, which has few more than these.
_MOST_THREADS = 64

#: Attempts of a client in a minute, or tries at a delivery: what is beyond has no limit.
_MOST_ATTEMPTS = 1_000_000

#: Of a head or a body.  What arrives is held in memory, within 64 MB for all that is not whole yet.
_MOST_BYTES = 64 * 1024 * 1024

#: Deliveries of a batch: statements name each of them, and databases bound what one may name.
_MOST_TOGETHER = 1000


class BadSettingsError(ValueError):
    """A setting is missing or cannot be read; the message is one sentence for the operator."""


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
    verify_signature: bool = _setting("CALCOM_WEBHOOK_VERIFY_SIGNATURE", True, boolean)
    #: Whether logs hold the payload, which is personal data.
    log_payloads: bool = _setting("CALCOM_WEBHOOK_LOG_PAYLOADS", False, boolean)
    #: The queue deliveries go to and workers take from.
    queue: str = _setting("CALCOM_WEBHOOK_QUEUE", "webhooks", short_name)
    #: How often a delivery is tried before it is a dead letter.
    attempts: int = _setting("CALCOM_WEBHOOK_RETRY_ATTEMPTS", 3, whole(1, _MOST_ATTEMPTS))
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
    body_limit: int = _setting("RECEIVER_BODY_LIMIT", 1024 * 1024, whole(1, _MOST_BYTES))
    #: Seconds within which a body must have arrived.
    body_seconds: float = _setting("RECEIVER_BODY_SECONDS", 10.0, seconds)
    #: The largest header block taken, in bytes.
    head_bytes: int = _setting("RECEIVER_HEAD_BYTES", 64 * 1024, whole(1, _MOST_BYTES))
    #: Seconds within which a header block must have arrived.
    head_seconds: float = _setting("RECEIVER_HEAD_SECONDS", 10.0, seconds)
    #: Attempts per minute and client address; 0 is no throttle.
    throttle: int = _setting("RECEIVER_THROTTLE", 0, whole(0, _MOST_ATTEMPTS))
    #: Addresses of proxies whose X-Forwarded-For is believed, separated by commas.
    trusted_proxies: str = _setting("RECEIVER_TRUSTED_PROXIES", "")
    #: Seconds a worker may hold a delivery before another takes it.
    lease: float = _setting("RECEIVER_LEASE", 60.0, seconds)
    #: Seconds to wait after the first, second, ... failed try (guide, `$backoff`).
    backoff: tuple[float, ...] = _setting("RECEIVER_BACKOFF", (60.0, 300.0, 900.0), schedule)
    #: Deliveries worked on at the same time.
    workers: int = _setting("RECEIVER_WORKERS", 4, whole(1, _MOST_THREADS))
    #: The most deliveries that share a transaction when there is a backlog; 0: as many as suit the
    #: store, 1: none does.
    batch: int = _setting("RECEIVER_BATCH", 0, whole(0, _MOST_TOGETHER))
    #: Seconds between looks for work that another process accepted.
    poll: float = _setting("RECEIVER_POLL", 0.5, seconds)
    #: Seconds to wait for a busy store before answering 503.
    store_seconds: float = _setting("RECEIVER_STORE_SECONDS", 5.0, seconds)
    #: Apprise URLs of the administrators, separated by white space; they may hold credentials.
    notify: tuple[str, ...] = _setting("RECEIVER_NOTIFY", (), words, hidden=True)
    #: Seconds between two notices: the first dead letter of an incident is told at once, and those
    #: that follow within this time are summarised.
    notify_seconds: float = _setting("RECEIVER_NOTIFY_SECONDS", 900.0, seconds)
    #: Seconds that attempts and deliveries under way have to end after SIGTERM.
    stop_seconds: float = _setting("RECEIVER_STOP_SECONDS", 10.0, seconds)
    #: Seconds the oldest due delivery may wait before /readyz says no; 0 is no limit.
    backlog_seconds: int = _setting("RECEIVER_BACKLOG_SECONDS", 900, whole(0, YEAR))
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
                raise BadSettingsError(f"{name} cannot be read: {problem}") from None
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
        if not _PATH.fullmatch(self.path) or self.path.startswith(_RESERVED):
            raise BadSettingsError(
                f"RECEIVER_PATH must be a path alone, as {WEBHOOK_PATH}: it starts with /, has no "
                "host, no query, no space, no % and no empty part, and lies outside "
                f"{', '.join(_RESERVED)}"
            )
        if self.admin_password and len(self.admin_password.strip()) < _PASSWORD_LENGTH:
            raise BadSettingsError(
                f"RECEIVER_ADMIN_PASSWORD must have {_PASSWORD_LENGTH} characters or more, "
                "without white space around them"
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
        numbered = port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535
        if not host or not numbered or set(host) & set("/@?# "):
            raise BadSettingsError("RECEIVER_METRICS must be HOST:PORT, as 127.0.0.1:9464")
        return host, int(port)
