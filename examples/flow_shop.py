"""An order of a shop as a flow: stock and payment, then the shipment, then all that follows from it.

What is known beforehand is a tree, its first steps deepest. What follows, the parent adds when it comes to it; it has
succeeded when that has. The printer is out of paper at first; statistics are down, and nobody minds. Prints:

    order 7: succeeded, after reserve_stock, take_payment, ship
    then book_pickup, confirm, print_label; failed: count_sale
    order 8: failed: the card was declined
    ship: failed by take_payment, never begun
"""

import asyncio
from contextlib import suppress

from penstock import App, Call, Context, Never, Retry, RunFailed, inject

app = App()
begun: list[str] = []


@app.task(queue="stock")
async def reserve_stock(order: int) -> str:
    begun.append("reserve_stock")
    return f"stock of order {order}"


@app.task(queue="money")
async def take_payment(order: int, *, ctx: Context = inject()) -> str:
    begun.append("take_payment")
    assert await ctx.children.result("reserve_stock", str)
    if order == 8:
        raise Never("the card was declined")
    return f"payment of order {order}"


@app.task
async def ship(order: int) -> str:
    begun.append("ship")
    return f"shipment of order {order}"


@app.task(queue="labels", retry=Retry(3, delay="5ms", backoff="fixed"))
async def print_label(shipment: str, *, ctx: Context = inject()) -> str:
    if ctx.attempt == 1:
        raise OSError("out of paper")
    return f"label of {shipment}"


@app.task
async def book_pickup(shipment: str) -> str:
    return f"pickup of {shipment}"


@app.task(queue="mail")
async def confirm(order: int) -> str:
    return f"mail about order {order}"


@app.task(retry=Retry(1))
async def count_sale(order: int) -> None:
    raise ConnectionError(f"no warehouse of data for order {order}")


@app.task
async def complete(order: int, *, ctx: Context = inject()) -> None:
    shipment = await ctx.children.result("ship", str)
    await ctx.children.add(
        print_label.call(shipment),
        book_pickup.call(shipment),
        confirm.call(order),
        count_sale.call(order).if_fails("ignore"),
    )


def order_flow(order: int) -> Call[None]:
    paid = take_payment.call(order).after(reserve_stock.call(order))
    return complete.call(order).after(ship.call(order).after(paid))


async def main() -> None:
    async with app:
        seven, eight = await app.submit([order_flow(7), order_flow(8)])
        async with app.worker(queues=["default", "stock", "money", "labels", "mail"], concurrency=1):
            await seven.run.result()
            with suppress(RunFailed):
                await eight.run.result()
        tree = await app.tree(seven.run.id)
        print(f"order 7: {tree.run.state}, after {', '.join(dict.fromkeys(begun))}")
        added = tree.children[1:]
        good = sorted(child.run.task for child in added if child.run.state == "succeeded")
        print(f"then {', '.join(good)}; failed: {', '.join(c.run.task for c in added if c.run.state == 'failed')}")
        tree = await app.tree(eight.run.id)
        [shipment] = tree.children
        [payment] = shipment.children
        assert payment.run.error is not None
        print(f"order 8: {tree.run.state}: {payment.run.error.message}")
        print(f"ship: {shipment.run.state} by {payment.run.task}, never begun")


if __name__ == "__main__":
    asyncio.run(main())
