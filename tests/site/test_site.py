"""The web example with real processes: what it answers, and that a rolling restart loses and doubles nothing."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from penstock import App
from tests.site.street import PATIENCE, STOPPED_BY_TERM, Street


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    found = Street(tmp_path)
    yield found
    found.close()


async def states(url: str) -> list[str]:
    """Of all runs; the store is audited."""
    async with App(url) as app:
        assert await app.check() == []
        return [one.state for one in await app.counts() for _ in range(one.n)]


def test_a_request_gets_its_result_or_a_place_to_ask(street: Street) -> None:
    """S2-02: the site only enqueues. S4-11, S4-13, S4-15: keys, and a wait that ends before the run."""
    street.site()
    status, told, place = street.ask("POST", "/orders", {"order": "early", "cents": 5}, key="early")
    assert (status, told["state"]) == (202, "queued")  # nobody works yet
    worker = street.worker()
    assert street.order("early", cents=5) == {"order": "early", "cents": 5}
    assert place == f"/runs/{told['id']}"

    status, told, _ = street.ask("POST", "/orders", {"order": "a", "cents": 7})
    assert (status, told["result"]) == (200, {"order": "a", "cents": 7})
    assert street.ask("POST", "/orders", {"order": "early", "cents": 6}, key="early")[0] == 409
    assert street.ask("POST", "/orders", {"order": "a", "cents": "many"})[0] == 422
    assert street.ask("POST", "/orders", ["no", "object"])[0] == 400
    assert street.ask("GET", "/runs/nobody")[0] == 404

    assert street.stop(worker) == 0
    status, told, place = street.ask("POST", "/orders", {"order": "b", "cents": 1})
    assert status == 202
    assert place is not None
    status, told, _ = street.ask("DELETE", place)
    assert (status, told["cancelled"]) == (410, "by its customer")
    assert street.charged() == ["early", "a"]
    assert sorted(asyncio.run(states(street.url))) == ["cancelled", "succeeded", "succeeded"]


@pytest.mark.slow
def test_a_rolling_restart_under_load_loses_and_doubles_nothing(street: Street) -> None:
    """S0-64, S2-09, B-062: each process in turn is replaced by SIGTERM, while customers go on ordering."""
    site = street.site()
    workers = [street.worker(), street.worker()]
    over = threading.Event()

    def customer(name: str) -> list[str]:
        """Order until the street has settled down; the orders that were charged."""
        orders: list[str] = []
        while not over.is_set():
            orders.append(f"{name}-{len(orders)}")
            assert street.order(orders[-1], seconds=0.05) == {"order": orders[-1], "cents": 100}
        return orders

    with ThreadPoolExecutor(8) as pool:
        customers = [pool.submit(customer, f"customer-{n}") for n in range(8)]
        try:
            ends: list[int] = []
            for _ in range(2):
                for place in range(len(workers)):
                    old, workers[place] = workers[place], street.worker()
                    ends.append(street.stop(old))
                old, site = site, street.site()
                assert street.stop(old) in STOPPED_BY_TERM
        finally:
            over.set()
        orders = [order for one in customers for order in one.result(PATIENCE)]
    assert ends == [0] * 4
    assert len(orders) > 50
    assert sorted(street.charged()) == sorted(orders)  # each once, by a witness outside of the store
    assert asyncio.run(states(street.url)) == ["succeeded"] * len(orders)


@pytest.mark.slow
def test_a_worker_that_is_stopped_hands_back_what_it_can_not_finish(street: Street) -> None:
    """S0-64, S2-08: the next one carries it out; the customer notices nothing but time."""
    street.site()
    old = street.worker("--grace", "0s")
    with ThreadPoolExecutor(1) as customers:
        order = customers.submit(street.order, "slow", seconds=3.0)
        asyncio.run(begun(street.url))
        new = street.worker()
        assert street.stop(old) == 0
        assert order.result(PATIENCE) == {"order": "slow", "cents": 100}
    assert street.charged() == ["slow"]
    assert street.stop(new) == 0
    assert asyncio.run(states(street.url)) == ["succeeded"]


async def begun(url: str) -> None:
    """Return when a run has said how far it is: its code is running."""
    async with App(url) as app, asyncio.timeout(PATIENCE):
        while True:
            for run in (await app.runs()).items:
                if any(line.kind == "progress" for line in await app.run(run.id).log()):
                    return
