"""`penstock web MODULE:app`: an app over HTTP, in a process of its own that works nothing."""

import logging
import os
import socket
from pathlib import Path
from typing import Any

import click

from penstock.app import surfaces
from penstock.app.surfaces import NamedByWeb
from penstock.cli.exits import Exit
from penstock.cli.said import Said, shared
from penstock.cli.screen import as_json
from penstock.cli.session import Session, carry_out, masked
from penstock.cli.text import escaped
from penstock.engine.signals import stop_on_signals

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("web")
@shared
@click.argument("target", metavar="MODULE:APP", required=False)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to serve from.")
@click.option("--port", type=click.IntRange(0, 65535), default=8787, show_default=True, help="0: any that is free.")
@click.option("--token-file", type=_FILE, metavar="FILE", help="What everyone must bring. [PENSTOCK_WEB_TOKEN]")
@click.option("--secret-file", type=_FILE, metavar="FILE", help="Signs one-time links. [PENSTOCK_SECRET]")
@click.option("--dispatch-secret-file", type=_FILE, metavar="FILE", help="Lets ticks in. [PENSTOCK_DISPATCH_SECRET]")
@click.option("--allow-host", multiple=True, metavar="NAME", help="A name by which the server is known; repeatable.")
@click.option("--origin", multiple=True, metavar="URL", help="A site whose pages may ask; repeatable.")
@click.option("--public-url", metavar="URL", help="By which others reach it. [PENSTOCK_PUBLIC_URL]")
@click.option("--read-only", is_flag=True, help="Nothing can be changed.")
@click.pass_obj
def web(said: Said, /, target: str | None, *, host: str, port: int, **named: Any) -> Exit:
    """Serve an app over HTTP.

    REST and server-sent events under /api/v1, described in /api/v1/openapi.json. MODULE:APP says which app; without,
    runs are enqueued by what workers have declared. Only this machine is answered, unless there is a token.

    SIGTERM or SIGINT: end the streams, answer what has been asked, exit with 0.
    """
    if target is not None:
        said.app = target
    server = surfaces.web("penstock.web.server")
    options = _options(named)
    bound = server.bind(host, port, token=options.get("token"))
    logging.basicConfig(level="WARNING", format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with bound:
        return carry_out(said, lambda session: _serve(session, bound, options), makes=True)


def _options(named: dict[str, Any]) -> NamedByWeb:
    """What the options and the environment say."""
    found = NamedByWeb(
        allowed_hosts=named["allow_host"],
        origins=named["origin"],
        read_only=named["read_only"],
        stream_age="1h",  # a stop ends them here
    )
    if named["public_url"] is not None:
        found["public_url"] = named["public_url"]
    token = _secret(named["token_file"], "PENSTOCK_WEB_TOKEN")
    secret = _secret(named["secret_file"], "PENSTOCK_SECRET")
    dispatch = _secret(named["dispatch_secret_file"], "PENSTOCK_DISPATCH_SECRET")
    if token is not None:
        found["token"] = token
    if secret is not None:
        found["secret"] = secret
    if dispatch is not None:
        found["dispatch_secret"] = dispatch
    return found


def _secret(file: Path | None, variable: str) -> str | None:
    return os.environ.get(variable) or None if file is None else file.read_text(encoding="utf-8").strip()


async def _serve(session: Session, bound: socket.socket, options: NamedByWeb) -> Exit:
    server: Any = surfaces.web("penstock.web.server").Server(session.app.asgi(**options))
    host, port = bound.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    door = "with a token" if options.get("token") else "this machine only"
    store = f"store {masked(session.app.url)}, namespace {session.app.namespace}"
    with stop_on_signals(server.stop):
        _tell(session, "started", f"{url}/api/v1, {door}; {store}", url)
        await server.serve(sockets=[bound])
    _tell(session, "stopped", url, url)
    return Exit.OK


def _tell(session: Session, event: str, message: str, url: str) -> None:
    """One line on stderr: what a server's process says is no data."""
    if session.screen.for_people:
        click.echo(escaped(f"web {event}: {message}"), err=True)
    else:
        click.echo(as_json({"event": event, "url": url, "message": message}), err=True)
