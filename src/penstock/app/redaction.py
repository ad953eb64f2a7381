"""Values of fields whose names say that nobody else should read them, made unreadable. Knows no document's form."""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, cast

NAMES: Final = (
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "authorization",
    "cookie",
    "api_key",
    "private_key",
    "card_number",
    "cvc",
    "iban",
)
REDACTED: Final = "[redacted]"
VALUES: Final = ("input", "result", "data")  # fields of a run, or of a line of its log, whose values users make

_CAPITAL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def names() -> tuple[str, ...]:
    """The names above, and those that the environment adds: PENSTOCK_REDACT, with commas between."""
    said = (os.environ.get("PENSTOCK_REDACT") or "").split(",")
    return (*NAMES, *(name.strip() for name in said if name.strip()))


def redaction(names: Iterable[str] = NAMES) -> Callable[[Any], Any]:
    """A function that copies a value, with `REDACTED` for fields named so or ending so: `api_key`, `stripeApiKey`."""
    suffixes = tuple(_plain(name) for name in names)

    def redact(value: Any) -> Any:
        if isinstance(value, Mapping):
            fields = cast("Mapping[object, Any]", value)
            return {name: REDACTED if _secret(name, suffixes) else redact(one) for name, one in fields.items()}
        if isinstance(value, list):
            return [redact(one) for one in cast("list[object]", value)]
        return value

    return redact


def redacted(document: dict[str, Any], redact: Callable[[Any], Any]) -> dict[str, Any]:
    """The document of a run or of a line, its `VALUES` redacted."""
    return {name: redact(value) if name in VALUES else value for name, value in document.items()}


def _secret(name: object, suffixes: tuple[str, ...]) -> bool:
    plain = f"_{_plain(str(name))}"
    return any(plain.endswith(f"_{suffix}") for suffix in suffixes)


def _plain(name: str) -> str:
    """Words with underscores, whatever the spelling."""
    return _CAPITAL.sub("_", name).replace("-", "_").replace(" ", "_").lower()
