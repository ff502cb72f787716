"""
The settings of a run: option, environment `CALCONTRACT_*`, `calcontract.toml`, default.

The first that says something counts; one declaration for all four.  A secret comes by the name of
an environment variable or by file, so that it never stands in an argument list, and is wrapped so
that it never prints.
"""

from __future__ import annotations

import ssl
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from calcontract import addresses, objections, sharing
from calcontract.catalogue import PROFILES
from calcontract.errors import UsageError
from calcontract.handling import Appointments, Statuses, known_triggers
from calcontract.layers import CONFIG_FILE, SECRET_SOURCES, Environment, File
from calcontract.records import named
from mock_calcom.numbers import LARGEST_SEED, LONGEST

_PREFIX = "CALCONTRACT_"
_LOAD = f"{_PREFIX}LOAD_"

#: Settings of text that a command has to repeat to say the same.
_REPEATED = (
    "probe",
    "states",
    "ca_file",
    "start",
    "receiver_secret_env",
    "receiver_previous_env",
    "log",
    "i_may_test",
)

#: Hosts that are this machine: everything is allowed there.
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


#: Says in place of a file that the log is what the receiver prints.
PRINTED = "-"

#: Stands in a command and in URLs for a port that the suite chooses, another for each receiver that
#: it starts.
PORT = "{port}"

#: Settings in which that port may stand.
_PLACED = ("target", "probe", "states", "start", "log")


#: A time that is waited for.
_Seconds = Annotated[float, Field(gt=0, le=LONGEST, allow_inf_nan=False)]


class Settings(BaseSettings):
    """
    Everything a run can be told.

    Durations are in seconds.
    """

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, toml_file=CONFIG_FILE, extra="forbid", frozen=True
    )

    target: str | None = Field(None, description="URL of the receiver's webhook endpoint")
    secret: SecretStr | None = Field(None, description="the shared secret (throw-away ones only)")
    secret_env: str | None = Field(None, description="name of the variable that holds the secret")
    secret_file: Path | None = Field(None, description="file that holds the secret")
    profile: str = Field("guide", description="whose receiver it is: guide or calcom")
    probe: str | None = Field(None, description="URL of the receiver's probe")
    states: str | None = Field(None, description="URL of the receiver's provider states")
    ca_file: Path | None = Field(
        None, description="certificates of the authority to trust, in place of the system's"
    )
    start: str | None = Field(
        None, description="command that starts the receiver, so that it may be killed"
    )
    receiver_secret_env: str | None = Field(
        None, description="name of the variable from which the receiver reads its secret"
    )
    receiver_previous_env: str | None = Field(
        None, description="name of the variable with the secret that the receiver's replaces"
    )
    log: str | None = Field(
        None, description="the receiver's log file, or - for what it prints when we start it"
    )
    budget: _Seconds = Field(30.0, description="time to acknowledge a delivery, in seconds")
    patience: _Seconds = Field(
        10.0, description="how long to wait for an effect before it counts as missing, in s"
    )
    seed: int | None = Field(
        None, ge=0, le=LARGEST_SEED, description="of order and people; a random one by default"
    )
    strict: bool = Field(default=False, description="a SHOULD that fails violates too")
    hardened: bool = Field(default=False, description="a hardening clause that fails violates too")
    known_violations: Path | None = Field(None, description="file of known violations")
    report: Path | None = Field(None, description="folder for verdicts.json and junit.xml")
    i_may_test: str | None = Field(None, description="host that you are allowed to test")
    insecure_http: bool = Field(default=False, description="allow plain http to another machine")
    disruptive: bool = Field(default=False, description="allow disruptive checks elsewhere")
    rate: float = Field(
        20.0,
        ge=0.01,
        le=2000,
        allow_inf_nan=False,
        description="deliveries per second to another machine",
    )
    triggers: dict[str, tuple[str, ...]] | None = Field(
        None, description="the trigger events that are acted on, with the effects they have"
    )
    appointments: Appointments = Field(Appointments(), description="what the receiver keeps")
    statuses: Statuses = Field(Statuses(), description="the statuses that it has promised")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the hook's signature
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the hook's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the hook's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Options first, then the environment, then the file."""
        return init_settings, Environment(settings_cls), File(settings_cls)

    @field_validator("profile")
    @classmethod
    def _known_profile(cls, value: str) -> str:
        if value not in PROFILES:
            raise ValueError(f"there is no profile {value!r}; choose {' or '.join(PROFILES)}")
        return value

    @field_validator("ca_file")
    @classmethod
    def _certificates(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                ssl.create_default_context(cafile=str(value))
            except OSError:
                raise ValueError(f"{str(value)!r} holds no certificates in PEM") from None
        return value

    @field_validator("target", "probe", "states")
    @classmethod
    def _http_url(cls, value: str | None) -> str | None:
        return None if value is None else addresses.required(value, port=PORT)

    @field_validator("target")
    @classmethod
    def _no_login(cls, value: str | None) -> str | None:
        # Node's `fetch` refuses it; a probe is asked by us, and may have one.
        return None if value is None else addresses.without_login(value)

    @model_validator(mode="after")
    def _one_secret(self) -> Self:
        given = [name for name in SECRET_SOURCES if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"the secret is given by {' and by '.join(given)}; give it once")
        return self

    @model_validator(mode="after")
    def _states_are_seen(self) -> Self:
        if self.states and not self.probe:
            raise ValueError("provider states are of no use without a probe; give --probe as well")
        return self

    @model_validator(mode="after")
    def _one_port(self) -> Self:
        named = {name for name in _PLACED if PORT in (getattr(self, name) or "")}
        if named and not {"target", "start"} <= named:
            raise ValueError(
                f"{PORT} is a port that the suite chooses when it starts the receiver; "
                "it has to stand in the URL and in --start"
            )
        return self

    @field_validator("receiver_secret_env", "receiver_previous_env")
    @classmethod
    def _variable(cls, value: str | None) -> str | None:
        # Not repeated: what does not look like a name may be a secret, given by mistake.
        if value is not None and not sharing.NAME.fullmatch(value):
            raise ValueError("this is no name of a variable; it takes a name, never a secret")
        return value

    @model_validator(mode="after")
    def _one_after_the_other(self) -> Self:
        if self.receiver_previous_env and not self.receiver_secret_env:
            raise ValueError(
                "a retired secret is of no use without the new one; give --receiver-secret-env"
            )
        return self

    @field_validator("triggers")
    @classmethod
    def _judgeable(
        cls, value: dict[str, tuple[str, ...]] | None
    ) -> dict[str, tuple[str, ...]] | None:
        return known_triggers(value)

    @property
    def handled(self) -> tuple[str, ...] | None:
        """The trigger events that the receiver is declared to act on, if any are declared."""
        return None if self.triggers is None else tuple(sorted(self.triggers))

    @property
    def is_apiece(self) -> bool:
        """Whether every process of a run can have a receiver of its own."""
        return self.target is None or PORT in self.target

    def at(self, port: int) -> dict[str, str]:
        """The settings in which *port* takes the place of `{port}`; none where there is none."""
        told = {name: getattr(self, name) or "" for name in _PLACED}
        return {
            name: value.replace(PORT, str(port)) for name, value in told.items() if PORT in value
        }

    @property
    def is_local(self) -> bool:
        """Whether the target is on this machine."""
        return urlsplit(self.target or "").hostname in LOOPBACK

    def plain(self) -> dict[str, Any]:
        """
        Everything that was said, as plain values for another process of ours, the secret included.

        To be handed over where nobody else can read it: never in an argument list.
        """
        values = self.model_dump(mode="json", exclude_none=True)
        return values | ({"secret": self.secret.get_secret_value()} if self.secret else {})

    def words(self) -> list[str]:
        """The arguments of `calcontract check` that say the same, as they may be shown."""
        words, secret = [], sharing.known(self)
        # Without a target the receiver is the suite's own, and brings its secret.
        if self.target:
            words += [named(self.target, secret), *self.secret_words()]
        words += ["--profile", self.profile]
        for name in _REPEATED:
            if value := getattr(self, name):
                words += [f"--{name.replace('_', '-')}", named(str(value), secret)]
        if self.budget != type(self).model_fields["budget"].default:
            words += ["--budget", f"{self.budget:g}"]
        for name in ("strict", "hardened", "insecure_http"):
            if getattr(self, name):
                words.append(f"--{name.replace('_', '-')}")
        return words

    def shown(self, text: str) -> str:
        """*text* without any secret; where the shared one stood a command can put it in again."""
        return named(text, sharing.known(self))

    def secret_words(self) -> list[str]:
        """The arguments that say where the secret is."""
        if self.secret_file:
            return ["--secret-file", str(self.secret_file)]
        return ["--secret-env", self.secret_env or "SECRET"]

    def shared_secret(self) -> str:
        """
        The secret that the target shares with Cal.com.

        Raises:
            UsageError: if no source names one, or the named source is missing or empty.
        """
        return sharing.secret_of(self)

    def require_its_profile(self) -> None:
        """
        Refuse to declare what the profile leaves no choice about.

        Raises:
            UsageError: if triggers, appointments or statuses are declared for the profile guide.
        """
        if self.profile != "guide":
            return
        for name in ("triggers", "appointments", "statuses"):
            if getattr(self, name) != type(self).model_fields[name].default:
                raise UsageError(
                    f"the profile guide itself says which {name} a receiver has",
                    hint=f"take [{name}] out of {CONFIG_FILE}, or run --profile calcom",
                )

    def permit(self) -> None:
        """
        Refuse to test a stranger's machine by mistake.

        Raises:
            UsageError: if the target is not on this machine and nobody said that it may be tested,
                or if the secret's deliveries would travel unencrypted.
        """
        parts = urlsplit(self.target or "")
        if self.is_local:
            return
        if self.i_may_test != parts.hostname:
            raise UsageError(
                f"{parts.hostname} is not this machine, and signed deliveries have effects there",
                hint=f"say --i-may-test {parts.hostname} if you are allowed to test it",
            )
        if parts.scheme == "http" and not self.insecure_http:
            raise UsageError(
                f"plain http to {parts.hostname} shows every delivery to the network between",
                hint="use https, or allow it with --insecure-http",
            )


def load(**options: Any) -> Settings:
    """
    The settings of a run, with *options* on top; an option that is None was not given.

    Raises:
        UsageError: if a setting is unknown, has a wrong type, contradicts another, or the file
            cannot be read.
    """
    # The load test reads its own variables, in its own process.
    objections.known_variables(_PREFIX, Settings.model_fields, others=_LOAD)
    try:
        told = Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)
        raise UsageError(
            "; ".join(objections.sentence(problem, _tables()) for problem in problems),
            hint=f"see the options, CALCONTRACT_* variables and {CONFIG_FILE}",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise UsageError(
            f"{CONFIG_FILE} cannot be read: {error}", hint="mend it or move it away"
        ) from None
    sharing.keep(told)
    return told


def _tables() -> dict[str, Collection[str]]:
    """What settings are called, by the table that they stand in."""
    return {
        "": Settings.model_fields,
        "appointments": Appointments.model_fields,
        "statuses": Statuses.model_fields,
    }
