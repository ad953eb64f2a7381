"""Work that keeps a processor busy runs in processes of its own: side by side, and killed at its timeout.

Prints:

    primes below 20000: 2262
    primes below 30000: 3245
    in other processes: True
    endless: penstock.Timeout
"""

import asyncio
import os

from penstock import App, Retry, RunFailed

app = App()


@app.task(executor="process")
def count_primes(below: int) -> tuple[int, int]:
    primes = [n for n in range(2, below) if all(n % d for d in range(2, int(n**0.5) + 1))]
    return len(primes), os.getpid()


@app.task(executor="process", timeout="500ms", retry=Retry(1))
def endless() -> None:
    while True:
        pass


async def main() -> None:
    async with app, app.worker(concurrency=2):
        runs = {below: await count_primes.enqueue(below) for below in (20_000, 30_000)}
        found = {below: await run.result(timeout="1m") for below, run in runs.items()}
        for below, (number, _) in found.items():
            print(f"primes below {below}: {number}")
        print("in other processes:", os.getpid() not in {pid for _, pid in found.values()})

        run = await endless.enqueue()
        try:
            await run.result()
        except RunFailed as error:
            print("endless:", error.error_type)


if __name__ == "__main__":  # children import this file: what starts the work stands behind this line
    asyncio.run(main())
