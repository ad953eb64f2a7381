"""Pydantic's models, and what only pydantic can read, when it is installed; and a refusal when it is not."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Annotated, Any

import pydantic
import pydantic.dataclasses
import pytest
from annotated_types import Len
from pydantic import BaseModel, ConfigDict, Field

from penstock.core import adapters
from penstock.core.errors import Invalid, InvalidInput, OutputError
from penstock.core.signature import Signature


class Part(BaseModel):
    sku: str
    count: Annotated[int, Field(gt=0)] = 1


class Parcel(BaseModel):
    model_config = ConfigDict(strict=True)

    id: int
    parts: list[Part]
    sent: datetime
    price: Decimal
    data: bytes = b""
    weight: float | None = None
    sender: str = Field(default="", alias="from")


class Node(BaseModel):
    name: str
    inside: "Node | None" = None


class Secretive(BaseModel):
    @pydantic.field_serializer("value")
    def spoil(self, value: int) -> int:
        raise LookupError(value)

    value: int = 1


@dataclass
class Box:
    part: Part


@dataclass
class Crate:
    parts: list[Part]


@pydantic.dataclasses.dataclass
class Ruled:
    count: Annotated[int, Field(gt=0)]


PARCEL = Parcel(
    id=2**60, parts=[Part(sku="ä")], sent=datetime(2024, 1, 1, tzinfo=UTC), price=Decimal("1.10"), data=b"x"
)


Positive = Annotated[int, Field(gt=0)]
Short = Annotated[str, Len(0, 3)]


def taking(annotation: Any) -> Signature:
    def handler(value: Any) -> Any: ...

    handler.__annotations__ = {"value": annotation, "return": annotation}
    return Signature(handler, "handler")


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Part, Part(sku="a", count=2)),
        (Parcel, PARCEL),
        (Parcel, Parcel.model_validate({**PARCEL.model_dump(), "from": "me"})),
        (list[Parcel], [PARCEL, PARCEL]),
        (dict[str, Part], {"a": Part(sku="a")}),
        (Part | None, None),
        (Part | None, Part(sku="a")),
        (Node, Node(name="a", inside=Node(name="b"))),
        (Box, Box(Part(sku="a"))),
        (Part | int, 7),
        (Part | int, Part(sku="a")),
        (Box | Crate, Crate([Part(sku="a")])),
        (Ruled, Ruled(3)),
        (list[Ruled], [Ruled(3)]),
        (complex, 1j),
        (PurePosixPath, PurePosixPath("a/b")),
        (Positive, 3),
        (list[Short] | None, ["abc"]),
    ],
    ids=repr,
)
def test_what_pydantic_can_read_comes_back_as_it_was(annotation: Any, value: object) -> None:
    """B-058"""
    signature = taking(annotation)
    _, kwargs = signature.decode(signature.encode((value,), {}))
    assert kwargs == {"value": value}
    assert type(kwargs["value"]) is type(value)
    assert signature.returns.decode(signature.returns.encode(value)) == value


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (Part, 1),
        (Part, Box(Part(sku="a"))),
        (Part, Part.model_construct(sku="a", count=-1)),
        (list[Part], [Part(sku="a"), None]),
        (Box, Box("part")),  # type: ignore[arg-type]
        (Part | int, "seven"),
        (Ruled, {"count": -1}),
        (Positive, 0),
        (list[Short] | None, ["abc", "abcd"]),
        (Parcel, PARCEL.model_copy(update={"weight": float("nan")})),
        (Parcel, PARCEL.model_copy(update={"data": b"\xff"})),
        (Secretive, Secretive()),
    ],
    ids=repr,
)
def test_what_breaks_a_models_rules_is_refused_by_name(annotation: Any, value: object) -> None:
    with pytest.raises(InvalidInput, match=r"^value=") as refused:
        taking(annotation).encode((value,), {})
    assert refused.value.parameter == "value"
    assert "errors.pydantic.dev" not in str(refused.value)


def test_a_worker_refuses_what_breaks_a_models_rules() -> None:
    with pytest.raises(InvalidInput, match=r"count: Input should be greater than 0.*\$\.value"):
        taking(Part).decode(b'{"value":{"sku":"a","count":0}}')


@pytest.mark.parametrize(
    ("annotation", "value"),
    [(Parcel, PARCEL.model_copy(update={"weight": float("inf")})), (Secretive, Secretive()), (Part | int, "x")],
    ids=repr,
)
def test_a_result_that_a_model_cannot_write_is_an_output_error(annotation: Any, value: object) -> None:
    """B-059"""
    with pytest.raises(OutputError):
        taking(annotation).returns.encode(value)


@pytest.mark.parametrize("annotation", [complex, Box | Crate, Part | int, Positive], ids=repr)
def test_without_pydantic_what_needs_it_is_refused(annotation: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing: dict[str, object] = {}
    monkeypatch.setattr(adapters, "find_spec", nothing.get)
    with pytest.raises(Invalid, match="with pydantic installed") as refused:
        taking(annotation)
    assert refused.value.parameter == "value"


def references(schema: Any) -> set[str]:
    return set(re.findall(r"'\$ref': '#/\$defs/([^']+)'", repr(schema)))


@pytest.mark.parametrize("annotation", [Parcel, Node, Box, Part | int, list[Parcel], Box | Crate], ids=repr)
def test_every_reference_of_a_schema_leads_somewhere(annotation: Any) -> None:
    for schema in (taking(annotation).schema(), taking(annotation).returns.schema()):
        assert references(schema) <= schema.get("$defs", {}).keys()
