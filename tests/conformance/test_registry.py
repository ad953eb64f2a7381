"""The registry: workers that are alive, definitions that somebody knows."""

from penstock.core.answers import Answer
from penstock.core.registry import Definition, WorkerInfo
from penstock.ports.store import Store
from tests.builders import able, new_run
from tests.clock import FakeClock
from tests.conformance.acts import alive, claimed, later, put, tend


async def names(store: Store) -> list[str]:
    return sorted(worker.worker for worker in await store.workers())


async def test_a_worker_is_known_while_it_says_so(store: Store, clock: FakeClock) -> None:
    await alive(store, "a", seconds=30)
    [worker] = await store.workers()
    assert (worker.worker, worker.host, worker.pid, worker.queues) == ("a", "h", 7, ("default",))
    assert worker.expires_at == clock() + 30
    await later(store, clock, 20)
    await alive(store, "a", seconds=30)
    await later(store, clock, 29)
    assert await names(store) == ["a"]
    await later(store, clock, 2)
    assert await names(store) == []


async def test_a_worker_that_is_gone_is_not_listed_however_little_upkeep_can_do(store: Store, clock: FakeClock) -> None:
    await put(store, new_run("a", expires=10), new_run("b", expires=10))
    await alive(store, "w", seconds=30)
    clock.advance(31)
    await tend(store, budget=1)
    assert await names(store) == []


async def test_a_worker_that_says_goodbye_is_gone(store: Store) -> None:
    await alive(store, "a")
    await alive(store, "b")
    await alive(store, "a", seconds=0)
    assert await names(store) == ["b"]


async def test_the_last_word_of_a_worker_counts(store: Store) -> None:
    await alive(store, "a", state=b"one", queues=("x",), abilities=able("t"))
    await alive(store, "a", state=b"two", queues=("y",), abilities=able("u", version="2"))
    [worker] = await store.workers()
    assert (worker.state, worker.queues, worker.abilities) == (b"two", ("y",), able("u", version="2"))


async def test_definitions_are_kept_by_task_and_version(store: Store, clock: FakeClock) -> None:
    first = Definition(task="t", version="1", schema=b"{}", options=b"o", app="shop", source="def t(): ...")
    await store.register(None, [first, Definition(task="u")])
    clock.advance(5)
    await store.register(None, [Definition(task="t", version="2", queue="mail"), Definition(task="u", queue="new")])
    known = {(one.task, one.version): one for one in await store.definitions()}
    assert set(known) == {("t", "1"), ("t", "2"), ("u", "")}
    old = known["t", "1"]
    assert (old.schema, old.options, old.app) == (b"{}", b"o", "shop")
    assert (old.source, old.seen_at) == ("def t(): ...", clock() - 5)
    assert (known["u", ""].queue, known["u", ""].seen_at) == ("new", clock())


async def test_definitions_outlive_their_workers(store: Store, clock: FakeClock) -> None:
    worker = WorkerInfo(worker="a", host="h", pid=1, queues=(), abilities=frozenset(), started_at=clock())
    await store.register(worker, [Definition(task="t")], seconds=10)
    await later(store, clock, 100)
    assert [one.task for one in await store.definitions()] == ["t"]


async def test_a_definition_is_dropped_as_it_was_seen(store: Store, clock: FakeClock) -> None:
    """S4-03, S4-05: who has declared it since is not overruled."""
    await store.register(None, [Definition(task="t", app="shop"), Definition(task="t", app="other")])
    [_, seen] = await store.definitions()
    assert seen.app == "shop"
    clock.advance(5)
    await store.register(None, [Definition(task="t", app="shop")])
    assert await store.drop_definition(seen) == Answer.STATE
    [_, seen] = await store.definitions()
    assert await store.drop_definition(seen) == Answer.OK
    assert await store.drop_definition(seen) == Answer.NOT_FOUND
    assert [one.app for one in await store.definitions()] == ["other"]


async def test_a_new_worker_finds_what_others_left_aside(store: Store) -> None:
    await put(store, new_run(task="new"))
    assert await claimed(store, abilities=able("t")) == []
    await alive(store, "b", abilities=able("new"))
    assert await claimed(store, abilities=able("new"), worker="b") == ["r"]
