"""Parameters that the worker fills in: `*, ctx: Context = penstock.inject()`. Knows only the marker, not what comes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class Injected:
    """Stands as the default of a keyword-only parameter until a worker calls the handler."""

    provider: Callable[..., object] | None = None  # None: found by the parameter's annotation


@dataclass(frozen=True, slots=True)
class Injection:
    """A parameter that the worker fills in, and what its handler says about it."""

    annotation: Any
    provider: Callable[..., object] | None


def inject() -> Any:
    """Mark a keyword-only parameter as given by the worker, by its annotation: Context, Tx. Callers leave it out."""
    return Injected()


def Depends(provider: Callable[..., object]) -> Any:  # noqa: N802 (reads as the marker it makes)
    """Mark a keyword-only parameter as what `provider` returns or yields for each attempt. Callers leave it out."""
    return Injected(provider)
