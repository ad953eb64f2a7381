"""What a `sqlite:///` URL says: which file, and how durable. Opens nothing."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from penstock.core.errors import Invalid

_FORMS: Final = (
    "say sqlite:///relative.db or sqlite:////absolute/path.db, with ?fast=1 for commits that a power cut may lose"
)


@dataclass(frozen=True, slots=True)
class Address:
    """A file, and whether its commits wait for the disk."""

    path: Path
    fast: bool = False


def missing(url: str) -> str | None:
    """The file that would come into being; None if it is there."""
    path = parse(url).path
    return None if path.exists() else str(path)


def parse(url: str) -> Address:
    """The address in the URL. Raises `Invalid` for hosts, options that nobody knows, and stores in memory."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.netloc or parts.fragment or not path.startswith("/") or len(path) < 2 or "\0" in path:
        raise Invalid("url", url, _FORMS)
    if path[1:].startswith(":"):
        raise Invalid("url", url, "several connections share a store, so it needs a file; memory:// has none")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    fast = options.pop("fast", "0")
    if options or fast not in ("0", "1"):
        raise Invalid("url", url, "the only option is fast=1")
    return Address(Path(path[1:]).absolute(), fast == "1")
