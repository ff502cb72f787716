"""
Where settings come from below the options: the environment, then `calcontract.toml`.

A secret is taken from the first of them that names one: it would be a contradiction to have two.
"""

from __future__ import annotations

from typing import Any

from pydantic_settings import (
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    TomlConfigSettingsSource,
)

#: Where settings are read from when they are neither options nor in the environment.
CONFIG_FILE = "calcontract.toml"

#: Where a secret may come from; one of them is enough, and a second is a contradiction.
SECRET_SOURCES = ("secret", "secret_env", "secret_file")


def _first_secret(source: PydanticBaseSettingsSource, found: dict[str, Any]) -> dict[str, Any]:
    """What *source* has *found*, without a secret if a source before it has named one."""
    if any(name in source.current_state for name in SECRET_SOURCES):
        return {name: value for name, value in found.items() if name not in SECRET_SOURCES}
    return found


class Environment(EnvSettingsSource):
    """`CALCONTRACT_*`."""

    def __call__(self) -> dict[str, Any]:
        """What is said there."""
        return _first_secret(self, super().__call__())


class File(TomlConfigSettingsSource):
    """`calcontract.toml`."""

    def __call__(self) -> dict[str, Any]:
        """What is said there."""
        return _first_secret(self, super().__call__())
