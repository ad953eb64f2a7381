"""Waiting for the end of a run: woken by the doorbell, sure without it.

However many wait, their looks at the store leave together, one call for all.
"""

import asyncio
from typing import Final, cast

from penstock.app.stores import Connection
from penstock.core.errors import NotFound, Purged, ResultTimeout
from penstock.core.run import Run
from penstock.ports.doorbell import run_topic
from penstock.ports.news import Bringing

LOOK: Final = 5.0  # seconds after which a waiter looks although no bell rang


async def finished(connection: Connection, run_id: str, timeout: float | None, *, known: bool) -> Run:
    """The run, once it has finished.

    Raises `ResultTimeout` after so many seconds; `NotFound` if nobody knows the run, or `Purged` if it was `known` to
    exist and its record is gone.
    """
    if timeout == 0:  # no wait is no time for a look either: that would never find anything
        state = await connection.watching.ask(run_id)
        timeout = None if state is None or state.finished else 0
    try:
        async with asyncio.timeout(timeout):
            return await _finished(connection, run_id, known=known)
    except TimeoutError:
        raise ResultTimeout(run_id, timeout or 0.0) from None


async def _finished(connection: Connection, run_id: str, *, known: bool) -> Run:
    listener = connection.store.doorbell.listen([run_topic(run_id)])
    brought = cast("Bringing", listener).brought if hasattr(listener, "brought") else None
    try:
        while True:
            state = await connection.watching.ask(run_id)  # each time: a redrive begins another life
            if state is None:
                raise Purged(run_id) if known else NotFound("run", run_id)
            if not state.finished:
                await listener.wait(LOOK)
            if brought is not None and (run := brought()) is not None:
                return run
            run = await connection.getting.ask(run_id)
            if run is not None and run.state.finished:
                return run
            known = True
    finally:
        listener.close()
