"""Results as they are kept: one file for each backend, each measure with its own moment and load."""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from benches.rows import Plan
from benches.table import Samples

FOLDER: Final = Path(__file__).parent / "results"


class Results:
    """What a run found, and what stays of earlier runs where only some was measured."""

    def __init__(self, path: Path, kept: Mapping[str, Any]) -> None:
        self._path = path
        self._found: dict[str, Any] = dict(kept)
        self._measures: dict[str, dict[str, Any]] = self._found.setdefault("measures", {})

    @classmethod
    def begun(cls, name: str, about: Mapping[str, Any], *, keep: bool) -> Self:
        """Empty, or with the other measures that are stored, if these are of the same things."""
        path = FOLDER / f"{name}.json"
        there: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if keep and path.exists() else {}
        return cls(path, there if {key: there.get(key) for key in about} == about else about)

    @classmethod
    def read(cls, path: Path) -> Self:
        return cls(path, json.loads(path.read_text(encoding="utf-8")))

    @property
    def samples(self) -> Samples:
        return {name: found["samples"] for name, found in self._measures.items()}

    @property
    def quick(self) -> bool:
        return bool(self._found["quick"])

    def failures(self, measure: str) -> list[str]:
        return list(self._measures[measure]["failures"])

    def forget(self, measure: str) -> None:
        """It is measured anew."""
        self._measures[measure] = {"at": _now(), "load": _load(), "samples": {}, "failures": []}

    def add(self, measure: str, contender: str, figures: Mapping[str, float]) -> None:
        self._measures[measure]["samples"].setdefault(contender, []).append(dict(figures))

    def add_failure(self, measure: str, failure: str) -> None:
        self._measures[measure]["failures"].append(failure)

    def store(self) -> None:
        self._path.parent.mkdir(exist_ok=True)
        self._path.write_text(json.dumps(self._found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def title(self, plan: Plan) -> str:
        """What was measured where and when, in one line."""
        found = self._found
        rounds = f"{found['iterations']} round{'s' * (found['iterations'] > 1)}{' (quick)' * found['quick']}"
        days = sorted({one["at"][:10] for one in self._measures.values()})
        loads = [one["load"] for one in self._measures.values()]
        beside = ", ".join(f"{name} {version}" for name, version in found["peers"].items())
        return (
            f"{plan.title}: {rounds}, {' and '.join(days)}, {found['system']}, load {min(loads):g} to {max(loads):g}; "
            f"Python {found['python']}, {found['store']}; beside {beside}"
        )


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _load() -> float:
    return round(os.getloadavg()[0], 1)
