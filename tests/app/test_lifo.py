"""Queues in which the latest goes first."""

from penstock import App, options


async def test_the_latest_of_a_queue_goes_first_if_that_is_said(url: str) -> None:
    """B-057."""
    app, order = App(url, queues={"stack": options(lifo=True)}), list[int]()

    @app.task(queue="stack")
    async def push(n: int) -> None:
        order.append(n)

    async with app:
        for n in (1, 2, 3):
            await push.enqueue(n)
        await push.opts(lifo=False).enqueue(4)
        await push.opts(priority=1).enqueue(5)
        await app.worker(concurrency=1, burst=True).run()
        assert order == [5, 3, 2, 1, 4]
        assert await app.check() == []
