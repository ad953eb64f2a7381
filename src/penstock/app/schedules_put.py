"""Storing a schedule as it was meant: only over what was read, and only if it says something else."""

import msgspec

from penstock.app.client import Client
from penstock.core.schedule import Schedule
from penstock.engine import schedules_plan
from penstock.engine.schedules_plan import ONE_AT_A_TIME, Plan
from penstock.ports.store import Store


async def put(
    client: Client, store: Store, wanted: Schedule, plan: Plan, stored: Schedule | None, *, dry: bool = False
) -> Schedule | None:
    """Store the schedule, if it still stands as it was read. None: it does not, read it again.

    An unchanged timing keeps its next tick: who restarts more often than it ticks still sees it tick.
    """
    before = None if stored is None else schedules_plan.decode(stored)
    if stored is not None and before is not None and stored.app == wanted.app and _same(client, before, plan):
        return stored
    if dry:
        return msgspec.structs.replace(wanted, revision=0)
    if plan.overlap == "queue":
        await store.put_limit(ONE_AT_A_TIME)
    same_timing = stored is not None and before is not None and before.timing == plan.timing
    next_at = stored.next_at if stored is not None and same_timing else plan.first((await store.info()).now)
    asked = msgspec.structs.replace(wanted, spec=schedules_plan.encode(plan), next_at=next_at)
    kept = await store.put_schedule(asked, was=0 if stored is None else stored.revision)
    return kept if kept.revision and (kept.app, kept.spec) == (asked.app, asked.spec) else None


def _same(client: Client, one: Plan, other: Plan) -> bool:
    """Whether the plans say the same: an input may be encoded anew each time."""
    if msgspec.structs.replace(one, run=other.run) != other:
        return False
    if msgspec.structs.replace(one.run, input=b"") != msgspec.structs.replace(other.run, input=b""):
        return False
    codec = client.home.codec
    return one.run.input == other.run.input or codec.decode(one.run.input) == codec.decode(other.run.input)
