"""Fires what is due: any worker's upkeep does, for all. No leader: the store moves each schedule on once.

Nothing is kept between rounds: who dies between any two lines of this leaves a schedule that is due.
"""

import logging
from functools import partial
from typing import Final

from penstock.core.answers import Answer
from penstock.core.schedule import Schedule
from penstock.engine import schedules_plan
from penstock.engine.patience import Trouble, repeat, untold
from penstock.ports.store import Store

AT_ONCE: Final = 100  # schedules looked at in one round
EXPECTED: Final = {Answer.OK, Answer.DUPLICATE, Answer.STATE, Answer.NOT_FOUND}

_log: Final = logging.getLogger(__name__)
_unreadable: Final = set[tuple[str, int]]()  # name and revision: each is told once


async def fire_due(store: Store, trouble: Trouble = untold) -> bool:
    """Make one move of each schedule that is due; whether any has moved on, by this worker or by another."""
    found = await repeat(partial(store.schedules, due=True, limit=AT_ONCE), trouble)
    if not found:
        return False
    now = (await repeat(store.info, trouble)).now
    moved = False
    for schedule in found:
        moved |= await _fire(store, schedule, now, trouble)
    return moved


async def _fire(store: Store, schedule: Schedule, now: float, trouble: Trouble) -> bool:
    plan = schedules_plan.decode(schedule)
    if plan is None:
        if (schedule.name, schedule.revision) not in _unreadable:
            _unreadable.add((schedule.name, schedule.revision))
            _log.error("schedule %s was written by a later version of Penstock, and is left to that", schedule.name)
        return False
    move = schedules_plan.due(plan, schedule, now)
    if move is None:
        return False
    answer = await repeat(partial(store.fire, move), trouble)
    if answer not in EXPECTED:
        _log.error("a tick of schedule %s was skipped, its run could not be stored: %s", schedule.name, answer)
    return True
