"""Errors as problem details (RFC 9457): what went wrong, in words for people and in fields for programs."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec

from penstock.core.errors import (
    Cascading,
    Closed,
    Duplicate,
    Invalid,
    KeyConflict,
    NotFound,
    PayloadTooLarge,
    PenstockError,
    Purged,
    Unavailable,
    UnknownTask,
    WrongState,
)

_STATUSES: Final[tuple[tuple[type[PenstockError], int], ...]] = (
    (PayloadTooLarge, 413),
    (Invalid, 422),
    (UnknownTask, 404),
    (NotFound, 404),
    (Purged, 410),
    (KeyConflict, 409),
    (Duplicate, 409),
    (Cascading, 409),
    (WrongState, 409),
    (Unavailable, 503),
    (Closed, 503),
)
_WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong. `type` is a name that stays the same; `parameter` is what was refused, if one thing was."""

    type: str
    title: str
    status: int
    detail: str
    parameter: str | None = None


class Refusal(Exception):  # noqa: N818 (an answer, and no error of ours)
    """Raised to answer with a problem."""

    def __init__(
        self,
        status: int,
        name: str,
        detail: str,
        *,
        parameter: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        title = HTTPStatus(status).phrase
        self.problem = Problem(
            type=f"urn:penstock:problem:{name}", title=title, status=status, detail=detail, parameter=parameter
        )
        self.headers = dict(headers or {})


def refusal_of(error: PenstockError) -> Refusal:
    """What an error of the library says to whoever asked."""
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
    name = _WORD.sub("-", type(error).__name__).lower()
    parameter = error.parameter if isinstance(error, Invalid) else None
    again = {"retry-after": "1"} if status == 503 or isinstance(error, Cascading) else {}
    return Refusal(status, name, str(error), parameter=parameter, headers=again)
