"""Child processes, for real: they are used again, killed to interrupt them, and replaced when they die."""

import asyncio
import functools
import os

import pytest

from penstock.backends.memory import MemoryStore
from penstock.core import error_record
from penstock.core.run import Run
from penstock.core.state import State
from penstock.engine import host
from penstock.engine.lines import Lines
from tests.engine import process_tasks
from tests.engine.process_tasks import ProcessHandler
from tests.engine.support import enqueue, read, real_worker, until_finished

WITHIN = 30.0  # seconds: a bound for what takes a fraction of one


async def outcomes(handler: ProcessHandler, n: int = 1, concurrency: int = 1, child_runs: int = 1000) -> list[Run]:
    store = MemoryStore()
    run_ids = await enqueue(store, n)
    async with asyncio.timeout(WITHIN), real_worker(store, handler, concurrency=concurrency, child_runs=child_runs):
        runs = await until_finished(store, run_ids)
    assert await store.check() == []
    return runs


def message_of(run: Run) -> str:
    assert run.error is not None
    return error_record.decode(run.error).message


@pytest.mark.parametrize("handler", [process_tasks.pid, process_tasks.pid_async])
async def test_one_child_serves_one_run_after_the_other(handler: ProcessHandler) -> None:
    runs = await outcomes(handler, 3)
    pids = {run.result for run in runs}
    assert len(pids) == 1
    assert pids != {str(os.getpid()).encode()}


async def test_a_child_is_replaced_after_so_many_runs() -> None:
    runs = await outcomes(process_tasks.pid, 3, child_runs=1)
    assert len({run.result for run in runs}) == 3


async def test_a_child_that_dies_fails_its_attempt_and_the_next_gets_another() -> None:
    """B-105: process crash of sandboxed child: the job fails with the exit reason, the next one gets a new child."""
    (run,) = await outcomes(process_tasks.die)
    assert (run.state, run.failures, run.crashes) == (State.SUCCEEDED, 1, 0)
    (run,) = await outcomes(process_tasks.leave)
    assert (run.state, run.failures) == (State.FAILED, 2)
    assert "exit status 7" in message_of(run)


async def test_the_signal_that_killed_a_child_is_named() -> None:
    """B-105."""
    store = MemoryStore()
    (run_id,) = await enqueue(store)
    async with asyncio.timeout(WITHIN), real_worker(store, process_tasks.die):
        await until_finished(store, [run_id])
    (failed,) = [entry for entry in await store.log(run_id) if entry.kind == "attempt" and entry.data]
    assert "killed by SIGKILL" in error_record.decode(failed.data).message


async def test_a_child_that_computes_is_killed_at_its_timeout() -> None:
    (run,) = await outcomes(process_tasks.spin)
    assert (run.state, run.failures) == (State.FAILED, 1)
    assert run.error is not None
    assert error_record.decode(run.error).type == "penstock.Timeout"


async def test_a_child_that_computes_is_killed_by_a_cancel() -> None:
    store = MemoryStore()
    (run_id,) = await enqueue(store)
    async with asyncio.timeout(WITHIN), real_worker(store, process_tasks.spin_for_ever):
        pid = await progress_of(store, run_id)
        await store.cancel([run_id])
        (run,) = await until_finished(store, [run_id])
    assert run.state is State.CANCELLED
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_worker_that_goes_kills_its_children_and_hands_their_runs_back() -> None:
    store = MemoryStore()
    (run_id,) = await enqueue(store)
    async with asyncio.timeout(WITHIN):
        async with real_worker(store, process_tasks.spin_for_ever, grace=0.0):
            pid = await progress_of(store, run_id)
    run = await read(store, run_id)
    assert (run.state, run.failures, run.crashes, run.releases) == (State.QUEUED, 0, 0, 1)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def progress_of(store: MemoryStore, run_id: str) -> int:
    """The number that the run's first line of progress says."""
    while True:
        lines = [entry for entry in await store.log(run_id) if entry.kind == "progress"]
        if lines:
            return int(lines[0].data)
        await asyncio.sleep(0.005)


async def test_errors_of_a_child_follow_the_policy() -> None:
    """B-060: raising handlers are handled alike, wherever they run."""
    (run,) = await outcomes(process_tasks.fail)
    assert (run.state, run.failures, message_of(run)) == (State.FAILED, 2, "in the child")
    (run,) = await outcomes(process_tasks.never)
    assert (run.state, run.failures, message_of(run)) == (State.FAILED, 1, "for good")


async def test_signals_to_the_whole_group_leave_children_to_their_worker() -> None:
    (run,) = await outcomes(process_tasks.signalled)
    assert (run.state, run.failures) == (State.SUCCEEDED, 0)


async def test_what_a_child_prints_does_not_disturb_it() -> None:
    (run,) = await outcomes(process_tasks.prints)
    assert (run.state, run.result) == (State.SUCCEEDED, b"")


async def test_a_child_asks_its_worker_for_everything() -> None:
    store = MemoryStore()
    (run_id,) = await enqueue(store)
    async with asyncio.timeout(WITHIN), real_worker(store, process_tasks.asks):
        (run,) = await until_finished(store, [run_id])
    assert run.result == b"ok ok b'1' True"
    assert [entry.data for entry in await store.log(run_id) if entry.kind == "log"] == [b"one", b"two"]
    assert [child.task for child in (await store.children(run_id)).items] == ["other"]


async def test_what_a_child_says_faster_than_it_is_stored_is_stored_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "Lines", functools.partial(Lines, most=10))
    store = MemoryStore()
    (run_id,) = await enqueue(store)
    async with asyncio.timeout(WITHIN), real_worker(store, process_tasks.talk):
        (run,) = await until_finished(store, [run_id])
    assert run.result == b"1"
    said = [entry.data for entry in await store.log(run_id, limit=2000) if entry.kind == "log"]
    assert said == [b"%d" % number for number in range(500)]


async def test_a_handler_that_a_child_can_not_find_fails_with_the_reason() -> None:
    (run,) = await outcomes(process_tasks.missing)
    assert run.state is State.FAILED
    assert "no_such_name" in message_of(run)
