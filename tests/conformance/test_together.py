"""What is settled in one call is one after the other: nothing is lost between neighbours."""

import pytest

from penstock.core.answers import Answer
from penstock.core.leases import Complete, Suspend
from penstock.core.state import State
from penstock.core.wake import Wake
from penstock.ports.store import Store
from tests.builders import call, new_run
from tests.conformance.acts import hold, look, put, spawn
from tests.conformance.scenes import LONG


@pytest.mark.parametrize("first", ["child", "parent"])
async def test_a_child_that_ends_beside_its_parent_s_suspend_wakes_it(store: Store, first: str) -> None:
    await put(store, new_run("p"))
    parent = await hold(store, "p", lease=LONG)
    await spawn(store, parent.lease, call("c", "p"))
    child = await hold(store, "c", lease=LONG)
    ends = Complete(lease=child.lease, result=b"r")
    waits = Suspend(lease=parent.lease, wake=Wake(of=((("c",), 1),)))
    answers = await store.settle([ends, waits] if first == "child" else [waits, ends])
    assert answers == [Answer.OK, Answer.OK]
    assert (await look(store, "p")).state is State.QUEUED
    assert (await look(store, "c")).state is State.SUCCEEDED
