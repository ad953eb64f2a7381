"""An order that takes days: charged once, approved by a person, shipped in parcels; given back if nobody approves it.

The first worker is stopped in the middle; a second one goes on where that was. What is charged is charged once.

Prints:

    charged 4200 cents for order 1
    the first worker has gone; order 1 is waiting
    charged 900 cents for order 2
    2 parcels of order 1 are on their way
    gave back 900 cents of order 2
    order 2: failed, nobody wants it
    bank: {1: 4200, 2: 0}
"""

import asyncio

import penstock
from penstock import App, Never, Retry, RunFailed

app = App()
approval = penstock.Signal("approval", bool)
bank: dict[int, int] = {}


@app.step(retry=Retry(5, delay="100ms"))
async def charge(order: int, cents: int) -> int:
    print(f"charged {cents} cents for order {order}")
    bank[order] = bank.get(order, 0) + cents
    return cents


@app.step
async def refund(order: int, cents: int) -> None:
    print(f"gave back {cents} cents of order {order}")
    bank[order] -= cents


@app.step
async def print_label(parcel: str) -> str:
    return f"label of {parcel}"


@app.task
async def ship(order: int, labels: list[str]) -> str:
    return f"{len(labels)} parcels of order {order} are on their way"


@app.workflow
async def handle(order: int, cents: int, parcels: list[str]) -> str:
    paid = await charge(order, cents)
    await penstock.on_rollback(refund, order, paid)  # called if anything below fails for good
    if not await penstock.wait(approval, timeout="7d", default=False):
        raise Never("nobody wants it")
    labels = await penstock.map(print_label, parcels, concurrency=5)
    return await ship(order, labels)  # a run of its own, on any worker


async def main() -> None:
    async with app:
        first = await handle.opts(key="order:1").enqueue(1, 4200, ["a book", "a lamp"])
        await app.worker(burst=True).run()  # until nothing is ready: it waits for somebody
        print("the first worker has gone; order 1 is", (await first.status()).state)

        second = await handle.opts(key="order:2").enqueue(2, 900, ["a cup"])
        await app.worker(burst=True).run()
        async with app.worker():
            await handle.signal(approval, True, key="order:1")
            print(await first.result())
            await second.signal(approval, False)
            try:
                await second.result()
            except RunFailed as error:
                print("order 2: failed,", error.message)
        print("bank:", bank)


if __name__ == "__main__":
    asyncio.run(main())
