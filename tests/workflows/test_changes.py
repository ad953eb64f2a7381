"""Code that changes while runs are under way, and runs that begin in the middle of others: patches, forks; tokens."""

import base64
from typing import Any

import pytest
from msgspec.structs import replace

import penstock
from penstock import Invalid, NotFound, Rejected, RunFailed, Signal, State, WrongState
from penstock.models.waits import place_of
from tests.workflows.support import LEASE, Stage

approval = Signal("approval", str)


def changed(task: Any, code: list[str], to: str) -> None:
    """From now on the workflow's code is another."""
    code[0] = to
    task.handler.ability = replace(task.handler.ability, fingerprint=to)


@pytest.mark.parametrize("waits", ["before", "after"])
async def test_a_patch_is_taken_by_those_that_have_not_come_past_it(stage: Stage, waits: str) -> None:
    """V1: old runs go the old way to their end, new ones the new way; and then the call may be taken out."""
    code = ["old"]

    @stage.app.workflow(crashes=100)
    async def flow() -> str:
        if waits == "before":
            await penstock.sleep("1d")
        if code[0] == "patched":
            way = "new" if await penstock.patched("check") else "old"
        else:
            way = "new" if code[0] == "later" else "old"
        if way == "new":
            await penstock.step("check", stage.tell, "checked")
        await penstock.step("pack", stage.tell, "packed")
        await penstock.sleep("1d")
        await penstock.step("ship", stage.tell, way)
        return way

    first = await flow.enqueue()
    await stage.play.drain()
    changed(flow, code, "patched")
    stage.crash_after(*range(3, 40, 2))
    second = await flow.enqueue()
    await stage.play.advance(LEASE * 3)
    await stage.play.advance("1d")
    if waits == "before":
        changed(flow, code, "later")
    await stage.play.advance("2d")
    assert await second.result() == "new"
    assert await first.result() == ("new" if waits == "before" else "old")


async def test_a_patch_beside_other_branches_replays_as_it_went(stage: Stage) -> None:
    @stage.app.workflow(crashes=100)
    async def flow() -> list[bool]:
        async def branch(n: int) -> bool:
            await penstock.step(f"before {n}", stage.tell, "before")
            new = await penstock.patched("way")
            await penstock.sleep(f"{n}h")
            await penstock.step("after", stage.tell, f"{n} {new}")
            return new

        return list(await penstock.gather(branch(1), branch(2), branch(3)))

    crashes = stage.crash_after(*range(1, 60))
    run = await flow.enqueue()
    await stage.play.advance("1d")
    result = await run.result()
    assert sorted(one for one in stage.ran if one != "before") == [f"{n + 1} {new}" for n, new in enumerate(result)]
    assert crashes.twice == []


async def test_a_fork_goes_its_own_way_from_a_step_on(stage: Stage) -> None:
    @stage.app.task
    async def ship(text: str) -> str:
        return f"shipped {text}"

    @stage.app.workflow(name="flow", version="1")
    async def old(n: int) -> str:
        await penstock.step("charge", stage.tell, f"charge {n}")
        said = await penstock.wait(approval)
        await penstock.step("pack", stage.tell, f"pack badly {said}")
        return await ship(said)

    @stage.app.workflow(name="flow", version="2")
    async def new(n: int) -> str:
        await penstock.step("charge", stage.tell, f"charge {n}")
        said = await penstock.wait(approval)
        await penstock.step("pack", stage.tell, f"pack well {said}")
        return await ship(said)

    run = await old.opts(key="k").enqueue(1)
    await run.signal(approval, "yes")
    assert await run.result() == "shipped yes"
    fork = await run.fork(from_step="pack", version="2")
    assert await fork.result() == "shipped yes"
    again = await run.fork(from_step="/charge#1", new_id="again")
    await again.signal(approval, "no")
    assert await again.result() == "shipped yes"  # the message that nobody had read before that step comes first
    assert stage.ran == ["charge 1", "pack badly yes", "pack well yes", "charge 1", "pack badly yes"]
    assert len({one.id for one in await stage.play.runs(ship)}) == 3
    assert (await fork.status()).key is None
    whole = await run.fork()
    assert await whole.result() == "shipped yes"
    for refused in (
        lambda: run.fork(from_step="nothing"),
        lambda: run.fork(new_id="again"),
        lambda: run.fork(version="no name!"),
    ):
        with pytest.raises(Invalid):
            await refused()  # type: ignore[no-untyped-call]
    with pytest.raises(NotFound):
        await stage.app.run("nobody").fork()
    with pytest.raises(NotFound):
        await stage.app.run("nobody").fork(from_step="charge")


def asks(stage: Stage, texts: list[str]) -> Any:
    @stage.app.workflow(name="asks", crashes=100)
    async def flow() -> dict[str, int]:
        token = await penstock.token(dict[str, int])
        texts.append(token.text)
        nothing: dict[str, int] = {}
        return await penstock.wait(token, timeout="1d", default=nothing)

    return flow


async def test_somebody_outside_answers_a_token_once(stage: Stage) -> None:
    texts: list[str] = []
    stage.crash_after(1, 2)
    run = await asks(stage, texts).enqueue()
    await stage.play.advance(LEASE * 3)
    assert len(set(texts)) == 1
    assert await stage.app.resolve(texts[0], {"paid": 5})
    assert not await stage.app.resolve(texts[0], {"paid": 6})
    assert not await stage.app.reject(texts[0], "too late")
    assert await run.result() == {"paid": 5}
    with pytest.raises(WrongState):
        await stage.app.resolve(token_of(run.id), 1)


async def test_a_rejected_token_is_an_error_in_the_workflow(stage: Stage) -> None:
    texts: list[str] = []
    run = await asks(stage, texts).enqueue()
    await stage.play.drain()
    await stage.app.reject(texts[0], "declined")
    with pytest.raises(RunFailed, match="declined"):
        await run.result()
    assert "declined" in str(Rejected("declined"))


async def test_nobody_answers_and_the_wait_ends(stage: Stage) -> None:
    run = await asks(stage, []).enqueue()
    await stage.play.advance("2d")
    assert await run.result() == {}
    assert (await run.status()).state is State.SUCCEEDED


@pytest.mark.parametrize("text", ["", "nonsense", "AAAA", "é", None, 5])
async def test_what_is_no_token_is_refused(stage: Stage, text: Any) -> None:
    with pytest.raises(Invalid, match="token"):
        await stage.app.resolve(text)
    with pytest.raises(Invalid, match="reason"):
        await stage.app.reject("x", text if isinstance(text, int) else 5)  # type: ignore[arg-type]


def test_a_token_names_its_run_whatever_that_is_called() -> None:
    assert place_of(token_of("a/b:c")) == ("a/b:c", f"token.{'x' * 24}")


def token_of(run_id: str) -> str:
    return base64.urlsafe_b64encode(f"{run_id}/{'x' * 24}".encode()).decode().rstrip("=")
