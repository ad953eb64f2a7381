"""What a command works with: an app on the store that was named, opened, and a screen for the answer."""

import os
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from penstock.app.app import App
from penstock.app.loops import run
from penstock.backends import missing
from penstock.cli.failures import NoStore
from penstock.cli.locate import load_app
from penstock.cli.said import Said
from penstock.cli.screen import Screen
from penstock.core.errors import Invalid

T = TypeVar("T")

_PASSWORD: Final = re.compile(r"(://[^/?#@:]*:).*(@)")
_SECRET: Final = re.compile(r"([?&][^=&#]*(?:pass|secret|token|key)[^=&#]*=)[^&#]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Session:
    """One command's app, open, and its screen."""

    app: App
    screen: Screen


def carry_out(
    said: Said, work: Callable[[Session], Coroutine[Any, Any, T]], *, makes: bool = False, loop: str = "asyncio"
) -> T:
    """Do the work on the store that was named; the app is closed after it, whatever comes of the work.

    `makes`: the store comes into being if it is not there. Raises `NoStore` otherwise.
    """
    app = app_for(said)
    if not makes:
        check_there(app, said)
    return run(_within(app, Screen(said.output), work), loop)


def check_there(app: App, said: Said) -> None:
    """Raises `NoStore` if there is no store yet where it would be opened: then it is looked for in the wrong place."""
    place = missing(app.url)
    if place is not None:
        wanted, origin = said.setting("url")
        target = said.setting("app")[0]
        raise NoStore(place, origin if wanted == app.url else target or "default")


async def _within(app: App, screen: Screen, work: Callable[[Session], Coroutine[Any, Any, T]]) -> T:
    async with app:
        return await work(Session(app, screen))


def app_for(said: Said) -> App:
    """The App that was named; else one without tasks on the store that was named.

    Raises `Invalid` if the named App is on another store, or in another namespace, than was said as well.
    """
    url, url_from = said.setting("url")
    namespace, namespace_from = said.setting("namespace")
    target, app_from = said.setting("app")
    if target is None or (url_from == "--url" and app_from != "--app"):
        return App(url) if namespace is None else App(url, namespace=namespace)
    if url is not None:
        os.environ["PENSTOCK_URL"] = url  # where the module says `App()`, it means this
    app = load_app(target)
    if url_from == "--url" and app.url != url:
        raise Invalid("url", masked(url or ""), f"{target} is on {masked(app.url)}, as its code says: leave one out")
    if namespace_from == "--namespace" and app.namespace != namespace:
        raise Invalid("namespace", namespace, f"{target} is in {app.namespace}, as its code says: leave one out")
    return app


def masked(url: str) -> str:
    """The URL with stars for its password, and for options that sound like secrets."""
    return _SECRET.sub(r"\1***", _PASSWORD.sub(r"\1***\2", url))
