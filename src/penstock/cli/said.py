"""What was said on the command line that all commands share, and the options that say it. Knows no store."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import click

from penstock.cli.env_file import read_env_file

F = TypeVar("F", bound=Callable[..., Any])

OUTPUTS: Final = ("table", "json", "lines")
ENVIRONMENT: Final = {"url": "PENSTOCK_URL", "namespace": "PENSTOCK_NAMESPACE", "app": "PENSTOCK_APP"}


@dataclass(slots=True)
class Said:
    """The shared options as they are met, before and after the command's name; what comes later stands."""

    url: str | None = None
    namespace: str | None = None
    app: str | None = None
    output: str = "table"
    debug: bool = False
    env_file: str | None = None
    from_file: dict[str, str] = field(default_factory=dict[str, str])  # what the file said, and nobody before it

    def setting(self, name: str) -> tuple[str | None, str]:
        """The value of `url`, `namespace` or `app`, and where it comes from."""
        value = cast("str | None", getattr(self, name))
        if value is not None:
            return value, f"--{name}"
        variable = ENVIRONMENT[name]
        found = os.environ.get(variable) or None
        if found is None:
            return None, "default"
        return found, f"{variable} in {self.env_file}" if variable in self.from_file else variable

    def read(self, path: str) -> None:
        """Set what the file says in the environment, where it is not set yet."""
        self.env_file = path
        for name, value in read_env_file(Path(path)).items():
            if name not in os.environ:
                os.environ[name] = self.from_file[name] = value


def _keep(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    said = ctx.ensure_object(Said)
    if not value:
        return
    if parameter.name == "env_file":
        said.read(value)
    else:
        setattr(said, parameter.name, value)


def _option(*names: str, **attributes: Any) -> Callable[[F], F]:
    return click.option(*names, expose_value=False, callback=_keep, **attributes)


_OPTIONS: Final = (
    _option("--url", metavar="URL", help="The store. [PENSTOCK_URL, else a file in this folder]"),
    _option("--namespace", metavar="NAME", help="The namespace in the store. [PENSTOCK_NAMESPACE, else penstock]"),
    _option("--app", metavar="MODULE:APP", help="Use this App: its store, its tasks, its codec. [PENSTOCK_APP]"),
    _option("-o", "--output", type=click.Choice(OUTPUTS), help="A table, one JSON document, or JSON lines. [table]"),
    _option("--env-file", metavar="FILE", help="Read environment variables from FILE; those set already stand."),
    _option("--debug", is_flag=True, help="Show the traceback of an error."),
)


def shared(function: F) -> F:
    """The command takes the shared options, and leaves what they say in its context's `Said`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function
