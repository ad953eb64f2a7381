"""Two namespaces in one file: each sees its own, and nothing of the other's."""

from pathlib import Path

from penstock import App


async def test_namespaces_in_one_file_are_strangers(tmp_path: Path) -> None:
    """X-09, S4-57."""
    url = f"sqlite:///{tmp_path}/shared.db"
    shop, bank = App(url, namespace="shop"), App(url, namespace="bank-eu.1")

    @shop.task(name="task")
    async def in_shop() -> str:
        return "shop"

    @bank.task(name="task")
    async def in_bank() -> str:
        return "bank"

    async with shop, bank:
        ours = await in_shop.opts(id="same", key="k").enqueue()
        theirs = await in_bank.opts(id="same", key="k").enqueue()
        assert (ours.created, theirs.created) == (True, True)
        async with shop.worker(burst=True) as worker:
            await worker.stopped()
        assert await ours.result(timeout=10) == "shop"
        assert (await theirs.status()).state == "queued"
        await bank.pause(task="task")
        await ours.remove()
        assert [run.id for run in (await bank.runs()).items] == ["same"]
        assert (await shop.runs()).items == ()
