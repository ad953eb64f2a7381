"""Sync handlers in real threads: alike in every outcome, told to stop, and accounted for when they don't."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from penstock.backends.memory import MemoryStore
from penstock.core import error_record
from penstock.core.control import Never, Snooze
from penstock.core.leases import Outcome, Step
from penstock.core.retry import Retry
from penstock.core.run import Run
from penstock.core.state import State
from penstock.engine.handler import Attempt, Executor
from penstock.engine.threads import Threads
from tests.engine.support import TestHandler, enqueue, read, real_worker, until_finished

WITHIN = 20.0  # seconds: a bound for what takes a fraction of one


def threaded(
    body: Callable[[Attempt], bytes | Outcome], attempts: int = 2, seconds: float | None = None
) -> TestHandler:
    policy = Retry(attempts, delay=0)
    return TestHandler(in_thread=body, executor=Executor.THREAD, policy=policy, seconds=seconds)


async def outcome_of(handler: TestHandler) -> Run:
    store = MemoryStore()
    run_ids = await enqueue(store)
    async with asyncio.timeout(WITHIN), real_worker(store, handler):
        (run,) = await until_finished(store, run_ids)
    return run


async def test_a_sync_handler_runs_in_a_thread_of_its_own() -> None:
    run = await outcome_of(threaded(lambda _attempt: threading.current_thread().name.encode()))
    assert run.state is State.SUCCEEDED
    assert run.result is not None
    assert run.result.startswith(b"penstock-run")


@pytest.mark.parametrize(
    ("error", "state", "failures"),
    [
        (ValueError("no"), State.FAILED, 2),
        (Never("no"), State.FAILED, 1),
        (SystemExit(3), State.FAILED, 1),
        (KeyboardInterrupt(), State.FAILED, 1),
    ],
)
async def test_what_a_thread_raises_is_judged_like_on_the_loop(
    error: BaseException, state: State, failures: int
) -> None:
    """B-060: sync and async processors, raising or rejecting, are handled alike."""

    def body(attempt: Attempt) -> bytes:
        raise error

    run = await outcome_of(threaded(body))
    assert (run.state, run.failures) == (state, failures)


async def test_a_thread_may_snooze() -> None:
    def body(attempt: Attempt) -> bytes:
        if attempt.claim.claims == 1:
            raise Snooze(0)
        return b"1"

    run = await outcome_of(threaded(body, attempts=1))
    assert (run.state, run.failures, run.claims) == (State.SUCCEEDED, 0, 2)


async def test_threads_run_at_once_as_many_as_there_are_slots() -> None:
    """S0-65, for threads."""
    meet = threading.Barrier(4)

    def body(attempt: Attempt) -> bytes:
        meet.wait(WITHIN)
        return b"1"

    store = MemoryStore()
    run_ids = await enqueue(store, 8)
    async with asyncio.timeout(WITHIN), real_worker(store, threaded(body), concurrency=4):
        runs = await until_finished(store, run_ids)
    assert {run.state for run in runs} == {State.SUCCEEDED}


async def test_a_thread_that_hangs_is_settled_at_its_timeout_and_keeps_its_slot() -> None:
    """It is told; its late result is dropped; the slot comes back when the thread does."""
    told, free = threading.Event(), threading.Event()

    def body(attempt: Attempt) -> bytes:
        assert attempt.stop.wait_in_thread(WITHIN)
        told.set()
        free.wait(WITHIN)
        return b'"late"'

    store = MemoryStore()
    (run_id,) = await enqueue(store)
    handler = threaded(body, attempts=1, seconds=0.05)
    async with asyncio.timeout(WITHIN), real_worker(store, handler, concurrency=1) as worker:
        (run,) = await until_finished(store, [run_id])
        assert (run.state, run.failures, run.result) == (State.FAILED, 1, None)
        assert run.error is not None
        assert error_record.decode(run.error).type == "penstock.Timeout"
        assert await asyncio.to_thread(told.wait, WITHIN)
        health = worker.health()
        assert (health.running, health.stuck) == (1, 1)
        handler.seconds, handler.in_thread = None, lambda _attempt: b"1"
        (second,) = await enqueue(store)
        free.set()
        (run,) = await until_finished(store, [second])
        assert run.state is State.SUCCEEDED
        assert worker.health().stuck == 0
    assert (await read(store, run_id)).result is None


async def test_a_thread_is_told_of_a_cancel() -> None:
    started = threading.Event()

    def body(attempt: Attempt) -> bytes:
        started.set()
        attempt.stop.wait_in_thread(WITHIN)
        return b"late"

    store = MemoryStore()
    (run_id,) = await enqueue(store)
    async with asyncio.timeout(WITHIN), real_worker(store, threaded(body)):
        assert await asyncio.to_thread(started.wait, WITHIN)
        await store.cancel([run_id])
        (run,) = await until_finished(store, [run_id])
    assert (run.state, run.result) == (State.CANCELLED, None)


async def test_a_stuck_thread_does_not_keep_the_worker_from_going() -> None:
    started, free = threading.Event(), threading.Event()

    def body(attempt: Attempt) -> bytes:
        started.set()
        free.wait(WITHIN)
        return b"1"

    store = MemoryStore()
    (run_id,) = await enqueue(store)
    async with asyncio.timeout(WITHIN):
        async with real_worker(store, threaded(body), grace=0.0):
            assert await asyncio.to_thread(started.wait, WITHIN)
    assert (await read(store, run_id)).state is State.QUEUED
    free.set()


async def test_threads_ask_their_worker_for_everything() -> None:
    def body(attempt: Attempt) -> bytes:
        attempt.emit("log", b"one")
        recorded = attempt.run(attempt.record(Step(path="a", value=b"1")))
        attempt.emit("log", b"two")
        return recorded.answer.encode()

    store = MemoryStore()
    (run_id,) = await enqueue(store)
    async with asyncio.timeout(WITHIN), real_worker(store, threaded(body)):
        (run,) = await until_finished(store, [run_id])
    assert run.result == b"ok"
    assert [entry.data for entry in await store.log(run_id) if entry.kind == "log"] == [b"one", b"two"]


async def test_a_blocked_loop_keeps_its_leases() -> None:
    """B-062, X-04: the heartbeat's own thread extends them while the loop can't."""
    store = MemoryStore()
    (run_id,) = await enqueue(store)
    extended = threading.Event()
    extend = store.extend

    async def counting(leases: object, seconds: float) -> object:
        answers = await extend(leases, seconds)  # type: ignore[arg-type]
        extended.set()
        return answers

    store.extend = counting  # type: ignore[method-assign, assignment]

    async def block(attempt: Attempt) -> bytes:
        return b"1" if extended.wait(WITHIN) else b"0"  # no await: nothing else runs on this loop

    async with asyncio.timeout(WITHIN), real_worker(store, TestHandler(block), lease=1.0):
        (run,) = await until_finished(store, [run_id])
    assert (run.state, run.result, run.crashes) == (State.SUCCEEDED, b"1", 0)


def test_threads_are_used_again() -> None:
    threads, names = Threads("t"), list[str]()
    done = threading.Semaphore(0)

    def work() -> None:
        names.append(threading.current_thread().name)
        done.release()

    for _ in range(20):
        threads.run(work)
        assert done.acquire(timeout=WITHIN)
    threads.close()
    assert len(names) == 20
    assert len(set(names)) < 20
