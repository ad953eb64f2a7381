"""An order and its receipt are stored together, or neither is: the run is enqueued in your own transaction.

Prints:

    order 1 and its receipt: stored
    order 2: out of cake
    orders: [(1, 'tea')]
    receipts: [{'order': 1}]
    receipt for order 1
"""

import asyncio
import sqlite3
from contextlib import closing

from penstock import App

app = App("sqlite:///shop.db")  # the file in which our own tables are, too


@app.task
async def send_receipt(order: int) -> str:
    return f"receipt for order {order}"


def place_order(connection: sqlite3.Connection, number: int, item: str) -> None:
    with connection:  # commits at the end, or rolls back
        connection.execute("insert into orders values (?, ?)", (number, item))
        send_receipt.within(connection).enqueue(number)
        if item == "cake":
            raise LookupError("out of cake")


async def main() -> None:
    async with app:
        with closing(sqlite3.connect("shop.db", timeout=5)) as connection:
            connection.execute("create table orders (number integer primary key, item text)")
            place_order(connection, 1, "tea")
            print("order 1 and its receipt: stored")
            try:
                place_order(connection, 2, "cake")
            except LookupError as error:
                print(f"order 2: {error}")
            print("orders:", connection.execute("select number, item from orders").fetchall())

        receipts = (await app.runs(task="send_receipt")).items
        print("receipts:", [run.input for run in receipts])
        async with app.worker():
            print(await app.run(receipts[0].id).result())


if __name__ == "__main__":
    asyncio.run(main())
