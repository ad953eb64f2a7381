"""A blueprint from a file, or from stdin, with what its reader has dropped. Asks no store."""

import sys
import warnings
from pathlib import Path

from penstock.models.graph.blueprint import Blueprint
from penstock.models.graph.parts import Problem


def read(file: str, *, check: bool) -> tuple[Blueprint, list[Problem]]:
    """The blueprint, and what was dropped on the way. Raises `InvalidBlueprint`, with `check` for all that is wrong."""
    data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = Blueprint.from_json(data, check=check)
    return found, [Problem(code="dropped", message=str(one.message)) for one in caught]
