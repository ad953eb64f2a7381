"""Blueprints: graphs as plain data that can be stored, checked and drawn without running anything."""

import warnings
from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from penstock.core.errors import InvalidBlueprint
from penstock.models.graph import analysis, lint, mermaid, reading, validation
from penstock.models.graph.analysis import Analysis
from penstock.models.graph.parts import Edge, Identifier, Node, Problem
from penstock.models.graph.validation import Known
from penstock.models.graph.wiring import Wiring

_ENCODER: Final = msgspec.json.Encoder()


class Blueprint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, dict=True):
    """A graph as data: nodes that each name a task or a built-in kind, and edges that say what comes after what.

    Made by hand, by `penstock.Graph`, or from JSON. What is made in code is not checked before `check()` is called;
    what comes from JSON is.
    """

    id: Identifier
    version: str | None = None
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()
    metadata: dict[str, Any] = {}

    @classmethod
    def from_dict(cls, data: object, *, check: bool = True) -> Self:
        """The blueprint that these plain values are.

        Fields that it does not know are dropped, with a `UserWarning` that names them. Raises `InvalidBlueprint` with
        all that is wrong; with `check=False` only for what can't be read.
        """
        read = reading.read(data)
        if read.dropped:
            named = ", ".join(read.dropped)
            warnings.warn(f"blueprint {read.id!r}: dropped what is not known here: {named}", UserWarning, stacklevel=2)
        found = list(read.problems)
        if check:
            found += validation.problems(read.id, read.nodes, read.edges, Known())
        if found:
            raise InvalidBlueprint(read.id, _once(found, read.problems))
        return cls(id=read.id, version=read.version, nodes=read.nodes, edges=read.edges, metadata=read.metadata)

    @classmethod
    def from_json(cls, data: str | bytes, *, check: bool = True) -> Self:
        """The blueprint in this JSON text; as `from_dict`."""
        try:
            plain = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise InvalidBlueprint("", [Problem(code="unreadable", message=f"it is no JSON: {error}")]) from None
        return cls.from_dict(plain, check=check)

    @classmethod
    def from_file(cls, path: str | Path, *, check: bool = True) -> Self:
        """The blueprint in this file of JSON; as `from_dict`. Raises `OSError` if the file can't be read."""
        return cls.from_json(Path(path).read_bytes(), check=check)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, without what is as it is by default; `from_dict` gives the same blueprint again."""
        found: dict[str, Any] = msgspec.json.decode(_ENCODER.encode(self))
        for node in found["nodes"]:
            if node.get("config") == {}:  # one of its own that says nothing
                del node["config"]
        return found

    def to_json(self, *, indent: int | None = None) -> str:
        """As JSON text, in lines if `indent` says how many blanks; `from_json` gives the same blueprint again."""
        data = _ENCODER.encode(self.to_dict())
        return (data if indent is None else msgspec.json.format(data, indent=indent)).decode()

    def problems(
        self, *, tasks: Collection[str] | None = None, blueprints: Collection[str] | None = None
    ) -> list[Problem]:
        """All that is wrong with it. `tasks` and `blueprints`: the names it may use; None leaves them unchecked."""
        return validation.problems(self.id, self.nodes, self.edges, Known(tasks=tasks, blueprints=blueprints))

    def check(self, *, tasks: Collection[str] | None = None, blueprints: Collection[str] | None = None) -> Self:
        """Itself, if nothing is wrong with it; raises `InvalidBlueprint` with all that is."""
        found = self.problems(tasks=tasks, blueprints=blueprints)
        if found:
            raise InvalidBlueprint(self.id, found)
        return self

    def lint(self) -> list[Problem]:
        """What is allowed, and looks like a mistake."""
        return lint.warnings(self._wiring)

    def analyze(self) -> Analysis:
        """Where it starts and ends, what goes in circles; of any blueprint, also one that would be refused."""
        return analysis.analyze(self._wiring)

    def to_mermaid(self) -> str:
        """As a Mermaid flowchart."""
        return mermaid.mermaid(self._wiring)

    @cached_property
    def _wiring(self) -> Wiring:
        """Which edges lead into and out of each node."""
        return Wiring(self.nodes, self.edges)


def _once(found: list[Problem], unreadable: list[Problem]) -> list[Problem]:
    """Without what follows only from parts that could not be read."""
    if not unreadable:
        return found
    consequences = {"empty", "bad-id", "dangling-edge", "unreachable", "no-start", "bad-fallback", "bad-loop"}
    return [one for one in found if one.code not in consequences]
