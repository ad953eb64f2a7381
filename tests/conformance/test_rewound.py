"""A redrive with another input: another history, in which the records and the mailbox of the last one still stand."""

from penstock.core.answers import Answer
from penstock.core.leases import Complete, Fail
from penstock.core.state import State
from penstock.ports.store import Store
from tests.builders import new_run, record, send
from tests.conformance.acts import hold, look, put, settled


async def test_it_begins_another_history_with_the_records_of_the_last(store: Store) -> None:
    await put(store, new_run(input=b"in"))
    got = await hold(store)
    await store.record([record(got.lease, path) for path in ("a", "b")])
    await store.signal(send("go"))
    await settled(store, Fail(lease=got.lease, error=b"boom", forget=("b",)))
    assert await store.redrive(["r"], lives=[1], inputs=[b"anew" * 1000]) == [Answer.OK]
    run = await look(store)
    assert (run.state, run.life, run.history, run.input) == (State.QUEUED, 2, 1, b"anew" * 1000)
    assert [one.path for one in await store.steps("r")] == ["a", "b"]  # nothing is forgotten
    assert [one.name for one in await store.signals("r")] == ["go"]
    claim = await hold(store)
    assert (claim.history, claim.life, claim.input, claim.recorded) == (1, 2, b"anew" * 1000, True)
    await settled(store, Fail(lease=claim.lease, error=b"boom", forget=("b",)))
    assert await store.redrive(["r"]) == [Answer.OK]  # an ordinary one
    run = await look(store)
    assert (run.life, run.history, run.input) == (3, 1, b"anew" * 1000)
    assert [one.path for one in await store.steps("r")] == ["a"]


async def test_it_is_done_once_and_only_to_the_life_that_is_meant(store: Store) -> None:
    await put(store, new_run("a", input=b"in"), new_run("b", input=b"in"))
    assert await store.redrive(["a"], lives=[1], inputs=[b"no"]) == [Answer.STATE]
    got = await hold(store, "a")
    await settled(store, Complete(lease=got.lease, result=b"1"))
    for _ in range(2):
        answers = await store.redrive(["a", "b", "none"], lives=[1, 1, 1], inputs=[b"", b"no", b"no"])
        assert answers == [Answer.OK, Answer.STATE, Answer.NOT_FOUND]
    run = await look(store, "a")
    assert (run.state, run.life, run.history, run.input, run.result) == (State.QUEUED, 2, 1, b"", None)
    run = await look(store, "b")
    assert (run.state, run.life, run.history, run.input) == (State.QUEUED, 1, 0, b"in")
