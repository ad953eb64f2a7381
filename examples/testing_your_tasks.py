"""Tests of tasks: the real engine, a store in memory, and a clock that is moved by hand. Nothing sleeps.

Works the same under pytest (with an async plugin) and here. Prints:

    test_a_reminder_comes_after_three_days: passed
    test_a_broken_mail_server_is_tried_again: passed
"""

import asyncio

from penstock import App, Depends, Retry, State


class Mailer:
    """What sends mail in production."""

    async def send(self, to: str, text: str) -> None:
        raise NotImplementedError


app = App()


@app.task(retry=Retry(3, delay="1m"))
async def remind(to: str, *, mailer: Mailer = Depends(Mailer)) -> None:
    await mailer.send(to, "your basket is waiting")


@app.task
async def abandon(to: str) -> None:
    await remind.opts(delay="3d").enqueue(to)


class Outbox(Mailer):
    """A mail server for tests, which is broken for its first calls."""

    def __init__(self, broken: int = 0) -> None:
        self.broken = broken
        self.sent: list[str] = []

    async def send(self, to: str, text: str) -> None:
        if self.broken:
            self.broken -= 1
            raise ConnectionError("no answer")
        self.sent.append(to)


async def test_a_reminder_comes_after_three_days() -> None:
    outbox = Outbox()
    async with app.testing(overrides={Mailer: lambda: outbox}) as t:
        await abandon.enqueue("a@b.c")
        await t.drain()
        assert [run.task for run in await t.enqueued(remind)] == ["remind"]
        await t.advance("2d")
        assert outbox.sent == []
        await t.advance("1d")
        assert outbox.sent == ["a@b.c"]


async def test_a_broken_mail_server_is_tried_again() -> None:
    outbox = Outbox(broken=2)
    async with app.testing(overrides={Mailer: lambda: outbox}) as t:
        run = await remind.enqueue("a@b.c")
        await t.advance("10m")
        status = await run.status()
        assert (status.state, status.attempts) == (State.SUCCEEDED, 3)
        assert outbox.sent == ["a@b.c"]


async def main() -> None:
    for test in (test_a_reminder_comes_after_three_days, test_a_broken_mail_server_is_tried_again):
        await test()
        print(f"{test.__name__}: passed")


if __name__ == "__main__":
    asyncio.run(main())
