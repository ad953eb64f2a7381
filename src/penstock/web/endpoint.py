"""What one address of the API is: data from which both the routes and the OpenAPI document are made.

Knows nothing of HTTP beyond methods, paths and statuses.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Generic, Literal, TypeAlias, TypeVar

import msgspec

from penstock.web.desk import Desk

Q = TypeVar("Q", bound=msgspec.Struct)
B = TypeVar("B", bound=msgspec.Struct)

Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Access: TypeAlias = Literal["open", "token", "signed"]  # anyone; whoever may use the API; whoever has a secret or link

ROOT: Final = "/api/v1"
PAGE: Final = 200  # items of one page

Name: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.\-]{1,100}$")]
RunId: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.:@/\-]{1,200}$")]
Limit: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=PAGE)]
Place: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=1000)]


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No parameters, or no body."""


class Paging(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a list: from where an earlier page ended."""

    after: Place | None = None
    limit: Limit = 50


class After(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Lines after this number."""

    after: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0


@dataclass(frozen=True, slots=True)
class Asked(Generic[Q, B]):
    """One request, read and checked."""

    path: Mapping[str, str]
    query: Q
    body: B
    headers: Mapping[str, str]  # by lower-case name
    raw: bytes  # the body as it came: for signatures
    base: str  # the URL below which the API was asked


@dataclass(frozen=True, slots=True)
class Reply:
    """A document to answer with; None: nothing."""

    document: object = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Feed:
    """Lines to answer with as they come."""

    run_id: str
    after: int


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[Q, B]):
    """One address. `answers`: the kind of document by status; `refusals`: further statuses, each a problem."""

    method: Method
    path: str  # below `ROOT`, with {parameters}
    name: str
    summary: str
    work: Callable[[Desk, Asked[Q, B]], Awaitable[Reply | Feed]]
    query: type[Q]
    body: type[B]
    answers: Mapping[int, Any]
    refusals: tuple[int, ...] = ()
    access: Access = "token"
    headers: Mapping[str, Any] = field(default_factory=dict[str, Any])  # that it reads, all optional
    raw: Any = None  # set: what the body is, where `work` reads it itself from its bytes
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])  # of the path
    by_pass: bool = False  # also for who has a pass to this run, in the query: browsers' streams bring no header
    names: Mapping[str, str] = field(default_factory=dict[str, str])  # what its answer has for other addresses' paths

    @property
    def changes(self) -> bool:
        """Whether it changes anything: then it is no GET."""
        return self.method != "GET"


AnyEndpoint: TypeAlias = Endpoint[Any, Any]
