"""Views: find and its pages, children in order, counts, the dead, roll-ups, what the store says of itself."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from penstock.core.errors import Closed
from penstock.core.run import ChildOf, NewRun, Run
from penstock.core.state import State
from penstock.core.views import Count, Filter, Page, Rollup
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import call, dependency, group, new_run, started
from tests.clock import FakeClock
from tests.conformance.acts import fail, hold, later, look, put, refused, spawn, succeed, upkeep
from tests.conformance.scenes import LONG
from tests.stores import open_empty

IDLE = Wake(idle=True)


async def found(store: Store, wanted: Filter, *, limit: int = 100) -> list[str]:
    """All pages, put together."""
    ids: list[str] = []
    after: str | None = None
    for _ in range(100):
        page = await store.find(wanted, after=after, limit=limit)
        assert len(page.items) <= limit
        ids += [run.id for run in page.items]
        if (after := page.after) is None:
            return ids
    raise AssertionError("the pages have no end")


async def a_store_full(store: Store) -> None:
    """Runs in several states, queues and tasks: r0 oldest."""
    for n in range(12):
        await put(store, new_run(f"r{n}", queue=f"q{n % 3}", task="tu"[n % 2], tags=("even",) if n % 2 == 0 else ()))
    for name in ("r0", "r1", "r2"):
        await succeed(store, name)
    await fail(store, "r3")
    await store.cancel(["r4"])


@pytest.mark.parametrize("size", [1, 100])
@pytest.mark.parametrize("task", [None, "t"])
async def test_finished_runs_are_found_newest_first(store: Store, task: str | None, size: int) -> None:
    await a_store_full(store)
    ids = await found(store, Filter(task=task, states=frozenset({State.SUCCEEDED})), limit=size)
    assert ids == [name for name in ("r2", "r1", "r0") if task is None or name != "r1"]


@pytest.mark.parametrize("size", [1, 2, 5, 12, 100])
async def test_each_run_appears_once_however_many_pages(store: Store, size: int) -> None:
    """S4-18, B-048."""
    await a_store_full(store)
    assert sorted(await found(store, Filter(), limit=size)) == sorted(f"r{n}" for n in range(12))


async def test_pages_hold_while_runs_come_and_go(store: Store) -> None:
    """Nothing that was there all the time is missed or seen twice."""
    await a_store_full(store)
    page = await store.find(Filter(), limit=4)
    await put(store, new_run("new"))
    await succeed(store, "r5")
    await store.remove(["r9", "r6"])
    ids = [run.id for run in page.items]
    while page.after is not None:
        page = await store.find(Filter(), after=page.after, limit=4)
        ids += [run.id for run in page.items]
    assert {"r11", "r10", "r8", "r7", "r4", "r3", "r2", "r1", "r0"} <= set(ids)
    assert all(ids.count(name) <= 1 for name in ids if name != "r5"), "it has changed, and may be seen as both"


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        (Filter(states=frozenset({State.SUCCEEDED})), ["r2", "r1", "r0"]),
        (Filter(states=frozenset({State.FAILED, State.CANCELLED})), ["r4", "r3"]),
        (Filter(queue="q1"), ["r10", "r7", "r4", "r1"]),
        (Filter(task="u"), ["r11", "r9", "r7", "r5", "r3", "r1"]),
        (Filter(tag="even"), ["r10", "r8", "r6", "r4", "r2", "r0"]),
        (Filter(tag="odd"), []),
        (Filter(task="u", states=frozenset({State.QUEUED})), ["r11", "r9", "r7", "r5"]),
        (Filter(queue="q0", states=frozenset({State.QUEUED, State.FAILED})), ["r9", "r6", "r3"]),
    ],
)
@pytest.mark.parametrize("size", [2, 100])
async def test_runs_are_found_by_what_they_are(store: Store, wanted: Filter, ids: list[str], size: int) -> None:
    """B-174."""
    await a_store_full(store)
    assert sorted(await found(store, wanted, limit=size)) == sorted(ids)


@pytest.mark.parametrize(
    "after",
    ["", "ff", "90", "c0", "01", "zz", "-1", "99999999999999999999", "93a0a0a0", "94a161a0a16101", "94a162a0a161c2"],
)
async def test_a_place_that_no_page_has_named_is_refused_or_is_one(store: Store, after: str) -> None:
    """What comes from an address of the web is no reason for an error of the store's own."""
    await a_store_full(store)
    looks: list[Callable[[], Awaitable[Page[Run]]]] = [
        lambda: store.find(Filter(), after=after, limit=4),
        lambda: store.find(Filter(queue="q1"), after=after, limit=4),
        lambda: store.find(Filter(parent_id="p"), after=after, limit=4),
        lambda: store.dead(after=after, limit=4),
        lambda: store.children("p", after=after, limit=4),
    ]
    for look_there in looks:
        try:
            page = await look_there()
        except (ValueError, OverflowError):  # which callers hear as `Invalid`
            continue
        assert len(page.items) <= 4


async def test_runs_are_found_by_when_they_were_enqueued(store: Store, clock: FakeClock) -> None:
    start = clock()
    for n in range(5):
        await put(store, new_run(f"r{n}"))
        clock.advance(10)
    assert set(await found(store, Filter(since_at=start + 20))) == {"r4", "r3", "r2"}
    assert set(await found(store, Filter(until_at=start + 15))) == {"r0", "r1"}
    assert sorted(await found(store, Filter(since_at=start + 5, until_at=start + 25), limit=1)) == ["r1", "r2"]


async def test_runs_are_found_by_their_family(store: Store) -> None:
    await put(store, new_run("p", wake=IDLE), dependency("c", "p", wake=IDLE), dependency("l", "c"))
    await put(store, new_run("other", schedule="nightly"))
    assert await found(store, Filter(parent_id="p")) == ["c"]
    assert await found(store, Filter(parent_id="c")) == ["l"]
    assert {"c", "l"} <= set(await found(store, Filter(root_id="p"))) <= {"p", "c", "l"}
    assert await found(store, Filter(schedule="nightly")) == ["other"]


async def test_finding_shows_runs_as_they_are(store: Store) -> None:
    await a_store_full(store)
    for run in (await store.find(Filter())).items:
        assert run == await look(store, run.id)


async def test_children_come_in_the_order_given(store: Store) -> None:
    """B-048: over pages too, whatever becomes of them, and of whatever kind."""
    names = [f"c{n}" for n in (3, 1, 2, 0)]
    await put(store, new_run("p", queue="p"))
    got = await hold(store, "p", lease=LONG)
    await spawn(store, got.lease, *(dependency(name, "p") for name in names), call("call", "p"), started("s", "p"))
    await succeed(store, "c1")
    whole = [run.id for run in (await store.children("p")).items]
    assert whole == [*names, "call", "s"]
    paged: list[str] = []
    after: str | None = None
    for _ in range(10):
        page = await store.children("p", after=after, limit=2)
        paged += [run.id for run in page.items]
        if (after := page.after) is None:
            break
    assert paged == whole


async def test_children_can_be_read_by_name(store: Store) -> None:
    named = new_run("c", queue="c", parent=ChildOf(parent_id="p", name="stock"))
    await put(store, new_run("p", wake=IDLE), named)
    await succeed(store, "c", result=b"7")
    [child] = (await store.children("p")).items
    assert (child.name, child.result) == ("stock", b"7")


async def test_first_children_of_many_come_together(store: Store) -> None:
    """As one by one; a larger number than one script of a backend reads comes whole."""
    for parent, width in (("p", 3), ("q", 1), ("wide", 150)):
        await put(store, new_run(parent, wake=IDLE), *(dependency(f"{parent}{n}", parent) for n in range(width)))
    asked = ["q", "nobody", "p", "p0", "wide"]
    pages = await store.children_of(asked, limit=2)
    assert pages == [await store.children(one, limit=2) for one in asked]
    assert [[run.id for run in page.items] for page in pages] == [["q0"], [], ["p0", "p1"], [], ["wide0", "wide1"]]
    assert [page.after is not None for page in pages] == [False, False, True, False, True]
    [whole] = await store.children_of(["wide"], limit=500)
    assert ([run.id for run in whole.items], whole.after) == ([f"wide{n}" for n in range(150)], None)
    assert await store.children_of([]) == []


async def test_who_has_no_children_has_none(store: Store) -> None:
    await put(store, new_run())
    for name in ("r", "no"):
        page = await store.children(name)
        assert (page.items, page.after) == ((), None)


async def test_unknown_runs_have_no_history(store: Store) -> None:
    assert await store.steps("no") == []
    assert await store.signals("no") == []
    assert await store.log("no") == []


async def counted(store: Store, cap: int = 10_000) -> dict[tuple[str, State], int]:
    return {(count.queue, count.state): count.n for count in await store.counts(cap=cap)}


async def test_counts_are_by_queue_and_state(store: Store, clock: FakeClock) -> None:
    await a_store_full(store)
    await put(store, new_run("later", queue="q0", delay=60), new_run("waiting", wake=IDLE), dependency("d", "waiting"))
    await hold(store, "d", lease=LONG)
    counts = await counted(store)
    assert counts["q0", State.SUCCEEDED] == 1
    assert counts["q0", State.FAILED] == 1
    assert counts["q1", State.CANCELLED] == 1
    assert counts["q0", State.QUEUED] == 2
    assert counts["q0", State.SCHEDULED] == 1
    assert counts["default", State.WAITING] == 1
    assert counts["d", State.RUNNING] == 1
    assert 0 not in counts.values()


async def test_counts_stop_at_their_cap(store: Store) -> None:
    await put(store, *(new_run(f"r{n}") for n in range(12)))
    assert await store.counts(cap=12) == [Count(queue="default", state=State.QUEUED, n=12)]
    assert await store.counts(cap=5) == [Count(queue="default", state=State.QUEUED, n=5, capped=True)]


async def test_the_dead_are_paged_latest_first(store: Store, clock: FakeClock) -> None:
    for n in range(7):
        await put(store, new_run(f"r{n}", dead_letter="odd" if n % 2 else "even"))
        await fail(store, f"r{n}")
        clock.advance(1)
    ids: list[str] = []
    after: str | None = None
    for _ in range(10):
        page = await store.dead(after=after, limit=3)
        ids += [run.id for run in page.items]
        if (after := page.after) is None:
            break
    assert ids == [f"r{n}" for n in range(6, -1, -1)]
    assert [run.id for run in (await store.dead("odd")).items] == ["r5", "r3", "r1"]


async def test_roll_ups_add_up(store: Store, clock: FakeClock) -> None:
    """B-176."""
    minute = int(clock() // 60)
    seen = Rollup(minute=minute, queue="q", task="t", succeeded=2, retried=1, waits=(1, 0, 2), times=(0, 3))
    await store.flush([seen, Rollup(minute=minute, queue="q", task="u", failed=1)], worker="w", number=1)
    await store.flush(
        [Rollup(minute=minute, queue="q", task="t", succeeded=1, cancelled=1, waits=(1,), times=(0, 1, 4))],
        worker="w",
        number=2,
    )
    rollups = {(one.queue, one.task): one for one in await store.rollups(minute - 1, minute + 1)}
    assert rollups["q", "u"].failed == 1
    both = rollups["q", "t"]
    assert (both.succeeded, both.failed, both.cancelled, both.retried) == (3, 0, 1, 1)
    assert (both.waits, both.times) == ((2, 0, 2), (0, 4, 4))
    assert await store.rollups(minute + 5, minute + 9) == []


async def test_what_a_worker_says_twice_counts_once(store: Store, clock: FakeClock) -> None:
    minute = int(clock() // 60)
    one = [Rollup(minute=minute, queue="q", task="t", succeeded=1, times=(1,))]
    for worker, number in (("w", 1), ("w", 1), ("v", 1), ("w", 2), ("w", 1), ("v", 1)):
        await store.flush(one, worker=worker, number=number)
    [both] = await store.rollups(minute, minute + 1)
    assert (both.succeeded, both.times) == (3, (3,))


async def test_roll_ups_are_read_by_minute(store: Store) -> None:
    for minute in (10, 11, 12, 13):
        await store.flush([Rollup(minute=minute, queue="q", task="t", succeeded=minute)], worker="w", number=minute)
    assert [one.minute for one in await store.rollups(11, 13)][:2] == [11, 12]


async def test_a_store_says_which_it_is(store: Store, clock: FakeClock) -> None:
    info = await store.info()
    assert info.store_id
    assert info.store_id == (await store.info()).store_id
    assert info.now == clock()
    assert info.durable


async def test_opening_twice_opens_once(store: Store) -> None:
    await put(store, new_run())
    await store.open()
    assert (await look(store)).state == State.QUEUED


async def test_a_closed_store_answers_nobody(backend: str, clock: FakeClock, tmp_path: Path) -> None:
    closing = await open_empty(backend, clock, tmp_path / "closing.db")
    await put(closing, new_run())
    await closing.close()
    await closing.close()
    with pytest.raises(Closed):
        await closing.enqueue([group(new_run("other"))])
    with pytest.raises(Closed):
        await closing.get(["r"])


async def test_reading_moves_nothing(store: Store, clock: FakeClock) -> None:
    """S0-54, X-06: what is due stays until somebody tends."""
    await put(store, new_run("late", delay=5), new_run("held"))
    await hold(store, "held")
    clock.advance(100)
    for _ in range(2):
        await store.find(Filter())
        await store.counts()
        await store.why("late")
        await store.children("held")
        await store.check()
    assert (await look(store, "late")).state == State.SCHEDULED
    assert (await look(store, "held")).state == State.RUNNING
    await later(store, clock, 0)
    assert (await look(store, "late")).state == State.QUEUED


async def test_a_refused_group_names_the_run_in_the_way(store: Store) -> None:
    runs: list[NewRun] = [new_run("a"), dependency("b", "missing")]
    answer = await refused(store, *runs)
    assert answer.run_id in {"b", "missing"}
    assert answer.index == 1
    await upkeep(store)
