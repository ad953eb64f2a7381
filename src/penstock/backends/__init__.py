"""The stores behind the contract, strangers to each other, found by the scheme of a URL and imported when asked for.

They know neither the engine nor the models.
"""

from importlib import import_module
from typing import Final, Protocol, cast
from urllib.parse import urlsplit

from penstock.core.clock import Clock, system_clock
from penstock.core.errors import Invalid
from penstock.core.names import check_name
from penstock.ports.store import Store

DEFAULT_URL: Final = "sqlite:///penstock.db"  # a file beside the program: no service
BACKENDS: Final = {"memory": "penstock.backends.memory", "sqlite": "penstock.backends.sqlite"}


class Backend(Protocol):
    """What the module of a backend offers."""

    def from_url(self, url: str, *, namespace: str, clock: Clock) -> Store:
        """A store that is not open yet. Opens nothing; refuses what it does not understand."""
        ...


def open_store(url: str, *, namespace: str = "penstock", clock: Clock = system_clock) -> Store:
    """The store that the URL names, not open yet. Raises `Invalid` for a scheme or an option that nobody knows."""
    check_name(namespace, "namespace")
    scheme = urlsplit(url).scheme
    if scheme not in BACKENDS:
        allowed = ", ".join(f"{known}://" for known in sorted(BACKENDS))
        raise Invalid("url", url, f"must begin with one of {allowed}")
    backend = cast("Backend", import_module(BACKENDS[scheme]))
    return backend.from_url(url, namespace=namespace, clock=clock)
