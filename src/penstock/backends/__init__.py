"""The stores behind the contract, strangers to each other, found by the scheme of a URL and imported when asked for.

They know neither the engine nor the models. An installed package adds one by an entry point in `ENTRY_POINTS`: its
name is a scheme, its value a module that is a `Backend`.
"""

from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Final, Protocol, cast
from urllib.parse import urlsplit

from penstock.core.clock import Clock, system_clock
from penstock.core.errors import Invalid
from penstock.core.names import check_name
from penstock.ports.store import Store

DEFAULT_URL: Final = "sqlite:///penstock.db"  # a file beside the program: no service
BACKENDS: Final = {
    "memory": "penstock.backends.memory",
    "sqlite": "penstock.backends.sqlite",
    "redis": "penstock.backends.redis",
    "rediss": "penstock.backends.redis",
    "unix": "penstock.backends.redis",
}

ENTRY_POINTS: Final = "penstock.backends"

# Whose objects lead to which store: the package that their class, or a base of it, is from.
CLIENTS: Final = {"pathlib": "sqlite", "sqlite3": "sqlite", "redis": "redis"}

# Packages that a base install does not have, and the extra that brings them.
EXTRAS: Final = {"hiredis": "redis"}


class Backend(Protocol):
    """What the module of a backend offers."""

    def from_url(self, url: str, *, namespace: str, clock: Clock) -> Store:
        """A store that is not open yet. Opens nothing; refuses what it does not understand."""
        ...


class Local(Protocol):
    """What the module of a backend adds whose stores come into being when they are opened."""

    def missing(self, url: str) -> str | None:
        """Where the store would be, if there is none yet; None: it is there. Makes nothing."""
        ...


class Reads(Protocol):
    """What the module of a backend adds that reads addresses from what users have already (`CLIENTS`)."""

    def address_of(self, client: object) -> str:
        """The URL of the store to which the client leads, for people, and to tell stores apart. Uses nothing else.

        Raises `Invalid` naming `url` for a client that leads to none.
        """
        ...

    def from_client(self, client: object, *, namespace: str, clock: Clock) -> Store:
        """A store that is not open yet, with the client's address, credentials and TLS, and connections of its own."""
        ...


def open_store(source: object, *, namespace: str = "penstock", clock: Clock = system_clock) -> Store:
    """The store that a URL names, or to which a client leads; not open yet. Raises `Invalid` for what nobody knows."""
    check_name(namespace, "namespace")
    if not isinstance(source, str):
        return _reader_of(source).from_client(source, namespace=namespace, clock=clock)
    scheme = urlsplit(source).scheme
    if not is_known(scheme):
        allowed = ", ".join(f"{known}://" for known in sorted({*BACKENDS, *_added()}))
        raise Invalid("url", source, f"must begin with one of {allowed}")
    backend = cast("Backend", _module(scheme))
    return backend.from_url(source, namespace=namespace, clock=clock)


def is_known(scheme: str) -> bool:
    """Whether there is a backend for URLs that begin so: one of ours, or one that an installed package adds."""
    return scheme in BACKENDS or scheme in _added()


def missing(url: str) -> str | None:
    """Where the store would come into being that the URL names, if it is not there yet; None: it is, or may be."""
    scheme = urlsplit(url).scheme
    module = _module(scheme) if is_known(scheme) else None
    return cast("Local", module).missing(url) if hasattr(module, "missing") else None


def address_of(source: object) -> str:
    """The URL itself, or that of the store to which the client leads. Raises `Invalid` for what leads to none."""
    return source if isinstance(source, str) else _reader_of(source).address_of(source)


def _reader_of(client: object) -> Reads:
    for kind in type(client).__mro__:
        home = kind.__module__
        own = (scheme for scheme, module in BACKENDS.items() if home.startswith(f"{module}."))  # its own address record
        backend = next(own, CLIENTS.get(home.partition(".")[0]))
        if backend is not None and hasattr(_module(backend), "address_of"):
            return cast("Reads", _module(backend))
    allowed = f"a URL, or an object of {', '.join(sorted(CLIENTS))} that leads to a store"
    raise Invalid("url", client, allowed)


@cache
def _added() -> dict[str, str]:
    """The module of each scheme that installed packages add. Ours can't be replaced."""
    from importlib.metadata import entry_points  # noqa: PLC0415 (slow to import, and only asked about unknown schemes)

    return {found.name: found.value for found in entry_points(group=ENTRY_POINTS) if found.name not in BACKENDS}


def _module(scheme: str) -> ModuleType:
    """Raises `Invalid` when a package is missing that this backend needs."""
    if scheme not in BACKENDS:
        return import_module(_added()[scheme])
    try:
        return import_module(BACKENDS[scheme])
    except ModuleNotFoundError as missing:
        extra = EXTRAS.get(missing.name or "")
        if extra is None:
            raise
        needed = f"it needs the package {missing.name}, which is not installed"
        raise Invalid("url", f"{scheme}://", f'{needed}: pip install "penstock[{extra}]"') from missing
