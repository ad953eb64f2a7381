"""Any sequence of operations leaves a backend as it leaves the reference: same answers, same views, both sound.

`TWINS=n` runs so many sequences, `SEED=n` begins with that one. A failing sequence is printed, shrunk.
"""

import itertools
import os
import traceback
from enum import StrEnum
from pathlib import Path
from typing import cast

import msgspec
import pytest

from penstock.core.run import Run
from penstock.ports.store import Store
from tests.clock import FakeClock
from tests.conformance.perform import Seen, look_fully, look_shortly, perform
from tests.conformance.sequences import Act, Memory, sequence, simpler
from tests.stores import open_empty

FIRST = int(os.environ.get("SEED") or 0)
TWINS = int(os.environ.get("TWINS") or 12)
LENGTH = 120
TRIES = 300  # to shrink a failing sequence


def difference(mine: Seen, theirs: Seen) -> str | None:
    """The first thing that is not equal, or not sound."""
    sides = [("runs", list(mine.runs), list(theirs.runs))]
    sides += [(name, seen, theirs.views[name]) for name, seen in mine.views.items()]
    for name, seen, wanted in sides:
        if seen != wanted:
            apart = [item for item in seen if item not in wanted] or seen
            missed = [item for item in wanted if item not in seen] or wanted
            return f"{name}:\n  backend   {brief(apart)}\n  reference {brief(missed)}"
    return f"unsound: {mine.check}, reference {theirs.check}" if mine.check or theirs.check else None


def relived(before: tuple[Run, ...], after: tuple[Run, ...]) -> str | None:
    """A life that ended stays ended: what changed about a finished run although its life is the same."""
    known = {(run.id, run.life, run.enqueued_at): run for run in before if run.state.finished}
    for run in after:
        old = known.get((run.id, run.life, run.enqueued_at), run)
        if (run.state, run.result, run.error, run.finished_at) != (old.state, old.result, old.error, old.finished_at):
            return f"{run.id} was {old.state} and is {run.state} in the same life"
    return None


def brief(value: object) -> str:
    """As `repr`, but of records only what is not as usual."""
    if isinstance(value, msgspec.Struct):
        usual = dict(zip(reversed(value.__struct_fields__), reversed(value.__struct_defaults__), strict=False))
        fields = ((name, getattr(value, name)) for name in value.__struct_fields__)
        told = [f"{name}={brief(given)}" for name, given in fields if name not in usual or usual[name] != given]
        return f"{type(value).__name__}({', '.join(told)})"
    if isinstance(value, dict):
        items = cast("dict[object, object]", value).items()
        return ", ".join(f"{name}={brief(given)}" for name, given in items)
    if isinstance(value, list | tuple):
        members = cast("list[object]", value)
        return f"[{', '.join(brief(member) for member in members)}]"
    return str(value) if isinstance(value, StrEnum) else repr(value)


class Twins:
    """A backend and the reference, doing the same."""

    def __init__(self, backend: str, folder: Path) -> None:
        self.backend = backend
        self.folder = folder
        self.numbers = itertools.count()

    async def differ(self, acts: list[Act]) -> tuple[int, str] | None:
        """The index of the first act after which they differ, and how."""
        clock = FakeClock()
        file = self.folder / f"twin-{next(self.numbers)}.db"
        stores = [await open_empty(self.backend, clock, file), await open_empty("memory", clock, file)]
        try:
            return await self._compare(stores, clock, acts)
        finally:
            for store in stores:
                await store.close()

    async def _compare(self, stores: list[Store], clock: FakeClock, acts: list[Act]) -> tuple[int, str] | None:
        memories = [Memory(), Memory()]
        before: tuple[Run, ...] = ()
        for n, act in enumerate(acts):
            if act.name == "advance":
                clock.advance(act.given["seconds"])
                continue
            try:
                mine, theirs = [
                    await perform(store, clock, act, memory) for store, memory in zip(stores, memories, strict=True)
                ]
            except Exception:  # noqa: BLE001 - no operation may raise here; found so, the sequence can be shrunk
                return n, traceback.format_exc(limit=-4)
            if mine != theirs:
                return n, f"answers:\n  backend   {brief(mine)}\n  reference {brief(theirs)}"
            whole = n % 10 == 0 or n == len(acts) - 1
            views = [await (look_fully(store, clock) if whole else look_shortly(store)) for store in stores]
            if found := difference(views[0], views[1]) or relived(before, views[0].runs):
                return n, found
            before = views[0].runs
        return None

    async def shrunk(self, acts: list[Act]) -> list[Act]:
        """Fewer acts that still differ."""
        tries = TRIES
        size = len(acts) // 2
        while size and tries:
            start = 0
            while start < len(acts) and tries:
                tries -= 1
                fewer = acts[:start] + acts[start + size :]
                found = await self.differ(fewer)
                if found is None:
                    start += size
                else:
                    acts = fewer[: found[0] + 1]
            size //= 2
        return await self._simplified(acts, tries)

    async def _simplified(self, acts: list[Act], tries: int) -> list[Act]:
        """The same acts about less."""
        n = 0
        while n < len(acts):
            for smaller in simpler(acts[n]):
                changed = [*acts[:n], smaller, *acts[n + 1 :]]
                tries -= 1
                if tries < 0:
                    return acts
                if await self.differ(changed) is not None:
                    acts = changed
                    break
            else:
                n += 1
        return acts


@pytest.mark.twins
@pytest.mark.parametrize("seed", range(FIRST, FIRST + TWINS))
async def test_every_sequence_leaves_both_alike(backend: str, tmp_path: Path, seed: int) -> None:
    twins = Twins(backend, tmp_path)
    acts = sequence(seed, LENGTH)
    found = await twins.differ(acts)
    if found is None:
        return
    fewer = await twins.shrunk(acts[: found[0] + 1])
    _, how = await twins.differ(fewer) or found
    listed = "\n".join(f"  {act.name} {brief(act.given)}" for act in fewer)
    pytest.fail(f"SEED={seed}: {len(fewer)} of {LENGTH} acts are enough\n{listed}\n{how}", pytrace=False)
