"""Two runs of a tenant at once, and other numbers while it works: the store counts, however many workers there are.

Prints:

    at most 2 of anna, 2 of ben
    after the change: at most 4 of anna
    held now: 0
"""

import asyncio
from collections import Counter

from penstock import App, Limit

app = App("memory://", name="shop")
now, most = Counter[str](), Counter[str]()


@app.task(limits=Limit(2, per="tenant", name="tenants"))
async def work(tenant: str) -> None:
    now[tenant] += 1
    most[tenant] = max(most[tenant], now[tenant])
    await asyncio.sleep(0.02)
    now[tenant] -= 1


async def carry_out(*tenants: str) -> None:
    runs = await app.enqueue_many([work.call(tenant) for tenant in tenants for _ in range(8)])
    for run in runs:
        await run.result()


async def main() -> None:
    async with app, app.worker(concurrency=20):
        await carry_out("anna", "ben")
        print(f"at most {most['anna']} of anna, {most['ben']} of ben")
        most.clear()
        await app.limits.set("tenants", n=4)
        await carry_out("anna")
        print(f"after the change: at most {most['anna']} of anna")
        print(f"held now: {sum(one.used for one in await app.limits.get('tenants'))}")


asyncio.run(main())
