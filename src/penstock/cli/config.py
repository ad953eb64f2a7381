"""`penstock config`: every setting in force, its value, and where it comes from."""

import os
from typing import Any, Final

import click
import msgspec
from msgspec import UNSET

from penstock.app.app import App
from penstock.app.layers import CRASHES, KEY_TTL, QUEUE
from penstock.cli.said import Said, shared
from penstock.cli.screen import Screen, field
from penstock.cli.session import app_for, masked
from penstock.cli.text import span
from penstock.core.codec import DEPTH, LIMIT
from penstock.core.retry import Retry
from penstock.core.run import Keep
from penstock.engine.settings import Settings

_BUILT_IN: Final = "default"


@click.command("config")
@shared
@click.pass_obj
def config(said: Said) -> None:
    """Print the settings in force, and where each comes from.

    Also the defaults of runs and workers. Opens no store.
    """
    app = app_for(said)
    rows = [*_of_app(app, said), *_of_runs(app), *_of_workers()]
    Screen(said.output).listing("settings", rows, [field("setting"), field("value"), field("from")])


def _of_app(app: App, said: Said) -> list[dict[str, Any]]:
    target, app_from = said.setting("app")
    return [
        _row("app", target, app_from),
        _row("url", masked(app.url), _origin(said, "url", app.url)),
        _row("namespace", app.namespace, _origin(said, "namespace", app.namespace)),
        _row("mode", app.mode, "PENSTOCK_MODE" if os.environ.get("PENSTOCK_MODE") == app.mode else _BUILT_IN),
        _row("env file", said.env_file, _BUILT_IN if said.env_file is None else "--env-file"),
    ]


def _origin(said: Said, name: str, value: str) -> str:
    """Where the value that is in force was said."""
    wanted, origin = said.setting(name)
    if wanted == value or said.setting("app")[0] is None:
        return origin
    return f"{said.setting('app')[0]}, or default"


def _of_runs(app: App) -> list[dict[str, Any]]:
    keep, retry = Keep(), Retry()
    built_in: dict[str, Any] = {
        "queue": QUEUE,
        "priority": 0,
        "retry": f"{retry.attempts} attempts, {retry.backoff} from {_span(retry.delay)} to {_span(retry.cap)}",
        "timeout": None,
        "deadline": None,
        "expires": None,
        "crashes": CRASHES,
        "keep": f"succeeded {span(keep.succeeded)}, the {keep.newest:,} newest of a task; others {span(keep.failed)}",
        "key_ttl": span(KEY_TTL),
        "dead_letter": False,
        "lifo": False,
    }
    said = {name: getattr(app.defaults, name) for name in built_in}
    rows = [
        _row(f"run {name}", _plain(value), _BUILT_IN)
        if said[name] is UNSET
        else _row(f"run {name}", _plain(said[name]), "app")
        for name, value in built_in.items()
    ]
    limits = {"payload": f"{LIMIT:,} bytes", "payload depth": DEPTH}
    return rows + [_row(name, value, _BUILT_IN) for name, value in limits.items()]


def _of_workers() -> list[dict[str, Any]]:
    settings = Settings()
    values = {
        "queues": "those of the app's tasks",
        "concurrency": settings.concurrency,
        "lease": span(settings.lease),
        "grace": span(settings.grace),
        "recycle_runs": None,
        "recycle_memory": None,
        "child_runs": settings.child_runs,
        "child_memory": settings.child_memory,
    }
    return [_row(f"worker {name}", value, _BUILT_IN) for name, value in values.items()]


def _row(setting: str, value: Any, origin: str) -> dict[str, Any]:
    return {"setting": setting, "value": value, "from": origin}


def _span(value: Any) -> str:
    return span(float(value))


def _plain(value: Any) -> Any:
    """The value for a program: a record as its fields, whatever else JSON does not know as text."""
    return msgspec.to_builtins(value, enc_hook=repr)
