"""The pages of the dashboard as text: templates, and how they show what the store holds."""

from __future__ import annotations

from typing import Any

import jinja2

from reference_impl import instants, logs


class Pages:
    """The templates of this package; *home* is where the pages lie."""

    def __init__(self, home: str) -> None:
        self._loader = jinja2.PackageLoader("reference_impl")
        self._templates = jinja2.Environment(
            loader=self._loader,
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"moment": _moment, "plain": logs.plain, "ms": _milliseconds}
        self._templates.globals["home"] = home

    def text(self, template: str, **values: Any) -> str:
        """The page that *template* makes of *values*."""
        return self._templates.get_template(template).render(**values)

    def source(self, name: str) -> str:
        """The file *name* as it is."""
        return self._loader.get_source(self._templates, name)[0]


def _moment(instant: int | None) -> str:
    if instant is None:
        return "-"
    return f"{instants.to_datetime(instant):%Y-%m-%d %H:%M:%S}"


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.1f}"
