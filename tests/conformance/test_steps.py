"""Steps: recorded once, kept with what they saw, forgotten by a retry, copied by a fork, left by a restart; the log."""

import pytest

from penstock.core.answers import Answer
from penstock.core.leases import Append, Claim, Complete, Fail, Release, Restart, Retry, Suspend
from penstock.core.requests import Edit
from penstock.core.state import State
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import able, call, dependency, key, new_run, record, send, started, step
from tests.clock import FakeClock
from tests.conformance.acts import (
    claim,
    claimed,
    fail,
    hold,
    later,
    look,
    put,
    retry,
    settled,
    spawn,
    state,
    states,
    succeed,
    upkeep,
)
from tests.conformance.scenes import LONG


async def held(store: Store, run_id: str = "r") -> Claim:
    await put(store, new_run(run_id, input=b"in"))
    return await hold(store, run_id, lease=LONG)


async def test_a_step_is_kept_as_it_was_recorded(store: Store, clock: FakeClock) -> None:
    """Byte for byte, with its place and what it had seen."""
    got = await held(store)
    asked = record(
        got.lease,
        "scope/charge#1",
        scope="scope",
        position=3,
        seen=2,
        kind="call",
        value=b"\x00\xff",
        input_hash=b"hash",
        child_id="c",
    )
    [answer] = await store.record([asked])
    assert answer.answer == Answer.OK
    [kept] = await store.steps("r")
    assert (kept.path, kept.scope, kept.position, kept.seen, kept.kind) == ("scope/charge#1", "scope", 3, 2, "call")
    assert (kept.value, kept.error, kept.input_hash, kept.child_id) == (b"\x00\xff", None, b"hash", "c")
    assert kept.recorded_at == clock()


async def test_a_path_is_written_once(store: Store) -> None:
    """S4-26: the second learns what stands there."""
    got = await held(store)
    await store.record([record(got.lease, "a", value=b"first")])
    [again] = await store.record([record(got.lease, "a", value=b"second")])
    assert again.answer == Answer.DUPLICATE
    assert again.step is not None
    assert again.step.value == b"first"
    assert [one.value for one in await store.steps("r")] == [b"first"]


async def test_a_step_is_written_only_while_nothing_is_heard(store: Store) -> None:
    """A time-out is recorded only if its signal has not come: who looked before may have missed it."""
    got = await held(store)
    late = record(got.lease, "late", silent="go", arrived=0)
    await store.signal(send("other"))
    await store.signal(send("go"))
    assert [one.answer for one in await store.record([late])] == [Answer.STATE]
    assert await store.steps("r") == []
    seen = record(got.lease, "late", silent="go", arrived=1)
    unheard = record(got.lease, "never", silent="unheard")
    assert [one.answer for one in await store.record([seen, unheard])] == [Answer.OK, Answer.OK]
    await store.signal(send("go"))
    again = await store.record([seen, record(got.lease, "plain"), record(got.lease, "later", silent="go", arrived=1)])
    assert [one.answer for one in again] == [Answer.DUPLICATE, Answer.OK, Answer.STATE]
    assert [one.path for one in await store.steps("r")] == ["late", "never", "plain"]


async def test_a_claim_says_whether_there_is_a_history_to_read(store: Store) -> None:
    """Who begins a workflow need not ask; a fork may have one before it was ever claimed."""
    got = await held(store)
    assert not got.recorded
    await store.record([record(got.lease, "a")])
    await store.fork("r", "whole")
    await store.fork("r", "empty", upto=0)
    await settled(store, Retry(lease=got.lease, delay=0, error=b"boom"))
    assert {one.run_id: one.recorded for one in await claim(store, limit=3)} == {
        "r": True,
        "whole": True,
        "empty": False,
    }


async def test_a_restarted_run_has_no_history_to_read(store: Store) -> None:
    got = await held(store)
    await store.record([record(got.lease, "a")])
    await settled(store, Restart(lease=got.lease, input=b""))
    assert not (await hold(store)).recorded


async def test_steps_come_in_the_order_written(store: Store) -> None:
    got = await held(store)
    for path in ("b", "a", "c"):
        await store.record([record(got.lease, path)])
    assert [one.path for one in await store.steps("r")] == ["b", "a", "c"]
    assert [one.path for one in await store.steps("r", paths=["c", "none", "b"])] == ["b", "c"]
    assert await store.steps("r", paths=[]) == await store.steps("none", paths=["a"]) == []


async def test_many_steps_in_one_call_answer_each(store: Store) -> None:
    first, second = await held(store, "a"), await held(store, "b")
    await settled(store, Complete(lease=first.lease, result=b""))
    answers = await store.record(
        [record(first.lease, "x"), record(second.lease, "x"), record(second.lease, "y"), record(second.lease, "x")]
    )
    assert [one.answer for one in answers] == [Answer.LOST, Answer.OK, Answer.OK, Answer.DUPLICATE]
    assert await store.steps("a") == []
    assert [one.path for one in await store.steps("b")] == ["x", "y"]


async def test_ten_thousand_steps_are_fine(store: Store) -> None:
    got = await held(store)
    for start in range(0, 10_000, 1000):
        await store.record([record(got.lease, f"s{n}") for n in range(start, start + 1000)])
    kept = await store.steps("r")
    assert [one.path for one in kept] == [f"s{n}" for n in range(10_000)]


@pytest.mark.parametrize("way", ["retry", "release", "suspend", "crash", "redrive"])
async def test_steps_outlive_the_attempt(store: Store, clock: FakeClock, way: str) -> None:
    """S4-19, S4-20."""
    await put(store, new_run(queue="r"))
    got = await hold(store)
    await store.record([record(got.lease, "a"), record(got.lease, "b", value=None, error=b"caught")])
    match way:
        case "retry":
            await settled(store, Retry(lease=got.lease, delay=0, error=b"boom"))
        case "release":
            await settled(store, Release(lease=got.lease))
        case "suspend":
            await settled(store, Suspend(lease=got.lease, wake=Wake(delay=0)))
        case "crash":
            await later(store, clock, 31)
        case _:
            await settled(store, Complete(lease=got.lease, result=b""))
            await store.redrive(["r"])
    assert [one.path for one in await store.steps("r")] == ["a", "b"]
    again = await hold(store)
    assert [one.answer for one in await store.record([record(again.lease, "a")])] == [Answer.DUPLICATE]


async def test_a_retry_forgets_the_error_that_left_the_body(store: Store) -> None:
    """In its own move; caught errors stay for ever."""
    got = await held(store)
    await store.record(
        [
            record(got.lease, "caught", value=None, error=b"one"),
            record(got.lease, "good"),
            record(got.lease, "escaped", value=None, error=b"two"),
        ]
    )
    await settled(store, Retry(lease=got.lease, delay=0, error=b"two", forget=("escaped",)))
    assert [one.path for one in await store.steps("r")] == ["caught", "good"]
    again = await hold(store)
    [answer] = await store.record([record(again.lease, "escaped", value=b"now")])
    assert answer.answer == Answer.OK
    assert [one.path for one in await store.steps("r")] == ["caught", "good", "escaped"]


async def test_a_forgotten_child_is_redriven(store: Store) -> None:
    """S4-29: on the parent's retry it is tried again, with the same id."""
    got = await held(store)
    await spawn(store, got.lease, call("c", "r"), call("d", "r"))
    await fail(store, "c")
    await fail(store, "d")
    failed = record(got.lease, "call c", value=None, error=b"boom", kind="call", child_id="c")
    await store.record([failed, record(got.lease, "call d", value=None, error=b"boom", kind="call", child_id="d")])
    await settled(store, Retry(lease=got.lease, delay=0, error=b"boom", forget=("call c",)))
    assert await states(store, "c", "d") == [State.QUEUED, State.FAILED]
    assert (await look(store, "c")).life == 2
    assert [one.path for one in await store.steps("r")] == ["call d"]


async def test_a_registered_rollback_is_known_to_the_run(store: Store) -> None:
    got = await held(store)
    await store.record([record(got.lease, "step")])
    assert not (await look(store)).rollbacks
    await store.record([record(got.lease, "undo", kind="rollback")])
    assert (await look(store)).rollbacks


async def test_a_restart_begins_another_history(store: Store) -> None:
    """continue_as_new: id and key stay, steps go."""
    await put(store, new_run(input=b"in", key=key("k")))
    got = await hold(store)
    await store.record([record(got.lease, "a")])
    await store.signal(send())
    await spawn(store, got.lease, started("s", "r"))
    await settled(store, Restart(lease=got.lease, input=b"again"))
    run = await look(store)
    assert (run.state, run.history, run.life, run.input, run.key) == (State.QUEUED, 1, 1, b"again", "k")
    assert (run.failures, run.releases, run.crashes) == (0, 0, 0)
    assert await store.steps("r") == []
    assert (await look(store, "s")).parent_id == "r"
    again = await hold(store)
    assert (again.history, again.input) == (1, b"again")
    assert [one.payload for one in await store.signals("r")] == [b"p"]


async def test_a_restarted_run_keeps_its_place(store: Store) -> None:
    await put(store, new_run("a"), new_run("b"))
    await settled(store, Restart(lease=(await hold(store, "a")).lease, input=b""))
    assert sorted(await claimed(store, limit=2)) == ["a", "b"]


@pytest.mark.parametrize(("upto", "paths"), [(None, ["a", "b", "c"]), (2, ["a", "b"]), (0, [])])
async def test_a_fork_begins_with_recorded_steps(store: Store, upto: int | None, paths: list[str]) -> None:
    await put(store, new_run(input=b"in", key=key("k"), priority=4, tags=("x",)))
    got = await hold(store)
    await store.record([record(got.lease, path, value=path.encode()) for path in "abc"])
    await store.signal(send(payload=b"kept"))
    assert await store.fork("r", "other", upto=upto) == Answer.OK
    run = await look(store, "other")
    assert (run.task, run.input, run.state, run.key, run.parent_id) == ("t", b"in", State.QUEUED, None, None)
    assert [(one.path, one.value) for one in await store.steps("other")] == [(path, path.encode()) for path in paths]
    assert [one.payload for one in await store.signals("other")] == [b"kept"]
    assert (await look(store)).state == State.RUNNING


async def test_a_fork_may_ask_for_another_version(store: Store) -> None:
    await put(store, new_run(version="1"))
    assert await store.fork("r", "same") == Answer.OK
    assert await store.fork("r", "other", version="2") == Answer.OK
    assert [(await look(store, name)).version for name in ("r", "same", "other")] == ["1", "1", "2"]
    assert await claimed(store, limit=5, abilities=able("t", version="2")) == ["other"]


async def test_a_fork_copies_unread_signals_only(store: Store) -> None:
    """A step says which message it has read; one that is not copied has read nothing."""
    await put(store, new_run())
    for payload in (b"one", b"two"):
        await store.signal(send(payload=payload))
    got = await hold(store, lease=LONG)
    await store.record([record(got.lease, "a"), record(got.lease, "wait", kind="wait", signal="go", signal_seq=1)])
    await store.fork("r", "whole")
    await store.fork("r", "before", upto=1)
    assert [one.payload for one in await store.signals("whole")] == [b"two"]
    assert [one.payload for one in await store.signals("before")] == [b"one", b"two"]


async def test_a_failure_says_what_a_redrive_forgets(store: Store) -> None:
    """Else it would fail at once, by the error that it remembers."""
    got = await held(store)
    await store.record([record(got.lease, "good"), record(got.lease, "bad", value=None, error=b"boom")])
    await settled(store, Fail(lease=got.lease, error=b"boom", forget=("bad",)))
    assert [one.path for one in await store.steps("r")] == ["good", "bad"]
    await store.redrive(["r"])
    assert [one.path for one in await store.steps("r")] == ["good"]


async def test_a_restart_leaves_the_calls_made_so_far(store: Store) -> None:
    got = await held(store)
    await spawn(store, got.lease, call("old", "r"), dependency("d", "r"), started("s", "r"))
    await settled(store, Restart(lease=got.lease, input=b""))
    again = await hold(store, lease=LONG)
    await spawn(store, again.lease, call("new", "r"))
    await upkeep(store)
    assert await states(store, "old", "d", "s", "new") == [
        State.CANCELLED,
        State.QUEUED,
        State.QUEUED,
        State.QUEUED,
    ]


async def test_a_fork_is_no_child_of_its_original_s_parent(store: Store) -> None:
    await put(store, new_run("p", wake=Wake(idle=True)), dependency("r", "p"))
    await store.fork("r", "other")
    run = await look(store, "other")
    assert (run.parent_id, run.root_id, run.kind) == (None, None, None)
    assert (await look(store, "p")).pending == 1


async def test_a_fork_takes_no_id_that_is_taken(store: Store) -> None:
    await put(store, new_run(), new_run("other", input=b"mine"))
    assert await store.fork("r", "other") == Answer.DUPLICATE
    assert (await look(store, "other")).input == b"mine"


async def test_forking_changes_nothing_on_the_original(store: Store) -> None:
    await held(store)
    before = await look(store)
    await store.fork("r", "other")
    assert await look(store) == before


async def test_lines_of_the_log_come_in_order(store: Store, clock: FakeClock) -> None:
    """S0-82, S2-31, B-085."""
    got = await held(store)
    for n in range(3):
        clock.advance(1)
        await store.append([Append(lease=got.lease, kind="log", data=f"line {n}".encode())])
    entries = await store.log("r")
    assert [entry.data for entry in entries if entry.kind == "log"] == [b"line 0", b"line 1", b"line 2"]
    assert [entry.at for entry in entries if entry.kind == "log"] == [clock() - 2, clock() - 1, clock()]
    assert strictly_grows([entry.seq for entry in entries])


def strictly_grows(numbers: list[int]) -> bool:
    return numbers == sorted(set(numbers)) and bool(numbers) and numbers[0] > 0


async def test_a_line_that_is_told_twice_is_stored_once(store: Store) -> None:
    """Its number says so, within one lease."""
    got = await held(store)
    for number in (1, 2, 2, 1, 3):
        line = Append(lease=got.lease, kind="log", data=b"%d" % number, number=number)
        assert await store.append([line]) == [Answer.OK]
    await settled(store, Release(lease=got.lease))
    again = await hold(store)
    await store.append([Append(lease=again.lease, kind="log", data=b"1", number=1)])
    assert [entry.data for entry in await store.log("r") if entry.kind == "log"] == [b"1", b"2", b"3", b"1"]


async def test_the_log_tells_the_whole_life(store: Store, clock: FakeClock) -> None:
    await put(store, new_run())
    await retry(store, delay=0, error=b"first")
    got = await hold(store)
    await store.append([Append(lease=got.lease, kind="progress", data=b"50")])
    await later(store, clock, 31)
    await succeed(store)
    entries = await store.log("r")
    kinds = [entry.kind for entry in entries]
    assert kinds[0] == "enqueued"
    assert kinds[-1] == "finished"
    assert {"claimed", "attempt", "progress", "crash"} <= set(kinds)
    assert strictly_grows([entry.seq for entry in entries])
    [attempt] = [entry for entry in entries if entry.kind == "attempt" and entry.data == b"first"]
    assert (attempt.attempt, attempt.worker) == (1, "w")


async def test_the_log_is_read_from_anywhere(store: Store) -> None:
    """S2-30: everything after the cursor exactly once."""
    got = await held(store)
    for n in range(25):
        await store.append([Append(lease=got.lease, kind="chunk", data=bytes([n]))])
    whole = await store.log("r")
    read: list[object] = []
    after = 0
    while part := await store.log("r", after=after, limit=7):
        assert len(part) <= 7
        read += part
        after = part[-1].seq
    assert read == whole


async def test_a_sequence_number_never_comes_again(store: Store) -> None:
    """S2-31: over retries, lives, and a cleared log."""
    got = await held(store)
    await store.append([Append(lease=got.lease, kind="log", data=b"one")])
    last = (await store.log("r"))[-1].seq
    await store.edit("r", Edit(clear_log=True))
    assert [entry for entry in await store.log("r") if entry.kind == "log"] == []
    await store.append([Append(lease=got.lease, kind="log", data=b"two")])
    [two] = [entry for entry in await store.log("r") if entry.kind == "log"]
    assert two.seq > last
    await settled(store, Complete(lease=got.lease, result=b""))
    end = (await store.log("r"))[-1].seq
    await store.redrive(["r"])
    await succeed(store)
    more = await store.log("r", after=end)
    assert more
    assert strictly_grows([entry.seq for entry in await store.log("r")])


async def test_every_attempt_is_kept(store: Store, clock: FakeClock) -> None:
    await put(store, new_run())
    for n in range(3):
        got = await hold(store)
        clock.advance(2)
        await settled(store, Retry(lease=got.lease, delay=0, error=f"error {n}".encode()))
        clock.advance(1)
    attempts = [entry for entry in await store.log("r") if entry.kind == "attempt"]
    assert [entry.data for entry in attempts] == [b"error 0", b"error 1", b"error 2"]
    assert [entry.attempt for entry in attempts] == [1, 2, 3]
    assert all(entry.started_at is not None and entry.at - entry.started_at == 2 for entry in attempts)


async def test_input_may_change_before_the_start_only(store: Store) -> None:
    await put(store, new_run(input=b"old"))
    assert await store.edit("r", Edit(input=b"new")) == Answer.OK
    got = await hold(store)
    assert got.input == b"new"
    assert await store.edit("r", Edit(input=b"later")) != Answer.OK
    assert (await look(store)).input == b"new"
    assert await state(store) == State.RUNNING


async def test_a_step_builder_and_the_store_agree_on_defaults(store: Store) -> None:
    got = await held(store)
    await store.record([record(got.lease, "a")])
    [kept] = await store.steps("r")
    assert kept == step("a", recorded_at=kept.recorded_at)


async def test_the_log_tells_of_steps_once_each(store: Store) -> None:
    """Those of the user: what the engine records for itself is silent."""
    await put(store, new_run())
    lease = (await hold(store)).lease
    step = record(lease, "a")
    assert [one.answer for one in await store.record([step, step, record(lease, "b", kind="sleep")])] == [
        Answer.OK,
        Answer.DUPLICATE,
        Answer.OK,
    ]
    assert [one.answer for one in await store.record([record(lease, "c"), step])] == [Answer.OK, Answer.DUPLICATE]
    entries = await store.log("r")
    assert [(entry.seq, entry.kind, entry.data) for entry in entries] == [
        (1, "enqueued", b""),
        (2, "claimed", b""),
        (3, "step", b"a"),
        (4, "step", b"c"),
    ]
    assert entries[2].attempt == 1
