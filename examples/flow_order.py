"""An order as a flow: checked and charged, then packed, then shipped. Children come before their parent.

The charge of order 13 is declined; each order says what that does. Prints:

    order 12: shipped parcel of order 12, paid by card of order 12
    order 13: shipped parcel of order 13, to be paid on delivery
    order 13, prepaid only: ship: the card was declined
    order 13, prepaid only: pack: its parent ended or was cancelled
"""

import asyncio

from penstock import App, Call, Context, Retry, RunCancelled, RunFailed, inject

app = App()


@app.task
async def check_stock(order: int) -> int:
    return 1 if order else 0


@app.task(queue="warehouse")
async def pack(order: int, *, ctx: Context = inject()) -> str:
    assert await ctx.children.result("check_stock", int)
    return f"parcel of order {order}"


@app.task(queue="money", retry=Retry(1))
async def charge(order: int) -> str:
    if order == 13:
        raise ValueError("the card was declined")
    return f"card of order {order}"


@app.task
async def ship(order: int, *, ctx: Context = inject()) -> str:
    ctx.log("shipping", order=order)
    parcel = await ctx.children.result("pack", str)
    paid = [one.result for one in (await ctx.children.results()).items if one.task == "charge"]
    return f"shipped {parcel}, {f'paid by {paid[0]}' if paid else 'to be paid on delivery'}"


def flow_of(order: int, *, prepaid: bool = False) -> Call[str]:
    paying = charge.call(order)
    if not prepaid:
        paying = paying.if_fails("ignore")
    packing = pack.opts(delay="1h") if prepaid else pack  # the warehouse waits for the money
    return ship.call(order).after(packing.call(order).after(check_stock.call(order)), paying)


async def main() -> None:
    async with app:
        twelve, thirteen, prepaid = await app.submit([flow_of(12), flow_of(13), flow_of(13, prepaid=True)])
        async with app.worker(queues=["default", "warehouse", "money"]):
            print("order 12:", await twelve.run.result())
            print("order 13:", await thirteen.run.result())
            try:
                await prepaid.run.result()
            except RunFailed as error:
                print("order 13, prepaid only: ship:", error.message)
            try:
                await prepaid.children[0].run.result()
            except RunCancelled as error:
                print("order 13, prepaid only: pack:", error.reason)


if __name__ == "__main__":
    asyncio.run(main())
