"""What a plain run costs the server: commands counted, so that a change that adds some is seen."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, TypeVar

import pytest

from penstock.backends import open_store
from penstock.core.answers import Accepted
from penstock.core.leases import ClaimRequest, Claims, Complete, Outcome
from penstock.ports.store import Store
from tests.builders import able, group, key, limit, new_run, refs
from tests.redis.servers import Server

T = TypeVar("T")

# Commands of one call, whether it carries one run or a hundred, those inside its script included.
# Less is welcome: then lower the number here. More must be worth it to all who enqueue and work.
ENQUEUE: Final = 9
CLAIM: Final = 20
SETTLE: Final = 14
NOTHING_TO_CLAIM: Final = 7
GET: Final = 4
WATCH: Final = 6
EXTEND: Final = 6
LINE: Final = 30  # a group of 500 behind a limit

COUNTED: Final = (1, 100)


class Counted:
    """A store on a private server, which says what was asked of it."""

    def __init__(self, store: Store, server: Server) -> None:
        self._store = store
        self._server = server
        self._claims = 0

    async def of(self, call: Callable[[Store], Awaitable[T]]) -> tuple[T, Counter[str]]:
        """The answer, and the commands that the server carried out for it."""
        before = self._commands()
        answer = await call(self._store)
        return answer, self._commands() - before

    async def enqueue(self, runs: int) -> Counter[str]:
        """So many callers' runs, gathered into one call."""
        self._claims += 1
        groups = [group(new_run(f"{self._claims}-{number}", input=b"x" * 80)) for number in range(runs)]
        return (await self.of(lambda store: store.enqueue(groups)))[1]

    def request(self, limit: int) -> ClaimRequest:
        self._claims += 1
        asked = ("default",)
        return ClaimRequest(
            claim_id=str(self._claims), worker="w", queues=asked, abilities=able("t"), limit=limit, lease=30
        )

    def _commands(self) -> Counter[str]:
        said = self._server.ask("INFO", "commandstats").decode()
        lines = (line.removeprefix("cmdstat_").partition(":calls=") for line in said.split() if ":calls=" in line)
        found = Counter({name: int(rest.partition(",")[0]) for name, _, rest in lines})
        del found["info"], found["ping"]  # ours, and what tells that an idle connection lives
        return found


@pytest.fixture
async def counted(server: Server) -> AsyncIterator[Counted]:
    """Warm: scripts are loaded, and the queue and the task are known."""
    server.ask("FLUSHALL")
    store = open_store(server.url)
    await store.open()
    found = Counted(store, server)
    await found.enqueue(2)
    claims = await store.claim(found.request(1))
    await store.turn(completed(claims), found.request(1))
    await store.claim(found.request(1))
    yield found
    await store.close()


def completed(claims: Claims) -> list[Outcome]:
    return [Complete(lease=claim.lease, result=b"1") for claim in claims.claims]


def check(commands: Counter[str], most: int, *, scripts: int = 1) -> None:
    assert commands["evalsha"] == scripts, f"more than one thing is asked of the server: {commands}"
    assert commands.total() <= most, f"{commands.total()} commands, and {most} sufficed: {commands}"


@pytest.mark.parametrize("runs", COUNTED)
async def test_runs_are_enqueued_in_one_script_of_few_commands(counted: Counted, runs: int) -> None:
    check(await counted.enqueue(runs), ENQUEUE)


@pytest.mark.parametrize("runs", COUNTED)
async def test_runs_are_claimed_in_one_script_of_few_commands(counted: Counted, runs: int) -> None:
    await counted.enqueue(runs)
    claims, commands = await counted.of(lambda store: store.claim(counted.request(runs)))
    assert len(claims.claims) == runs
    check(commands, CLAIM)


@pytest.mark.parametrize("runs", COUNTED)
async def test_runs_are_settled_in_one_script_of_few_commands(counted: Counted, runs: int) -> None:
    await counted.enqueue(runs)
    claims, _ = await counted.of(lambda store: store.claim(counted.request(runs)))
    answers, commands = await counted.of(lambda store: store.settle(completed(claims)))
    assert answers == ["ok"] * runs
    check(commands, SETTLE)


@pytest.mark.parametrize("runs", COUNTED)
async def test_a_turn_costs_no_more_than_its_two_halves(counted: Counted, runs: int) -> None:
    await counted.enqueue(runs)
    await counted.enqueue(runs)
    claims, _ = await counted.of(lambda store: store.claim(counted.request(runs)))
    turn, commands = await counted.of(lambda store: store.turn(completed(claims), counted.request(runs)))
    assert len(turn.claims.claims) == runs
    check(commands, SETTLE + CLAIM, scripts=2)


async def test_looking_for_work_where_there_is_none_costs_next_to_nothing(counted: Counted) -> None:
    claims, commands = await counted.of(lambda store: store.claim(counted.request(100)))
    assert claims.claims == ()
    check(commands, NOTHING_TO_CLAIM)


@pytest.mark.parametrize("runs", COUNTED)
async def test_features_that_others_use_cost_a_plain_run_nothing(counted: Counted, runs: int) -> None:
    """Limits, values that take turns, and keys of deduplication, in a queue beside."""
    given = {"queue": "beside", "limits": refs("l"), "fair": "v"}
    others = [
        new_run(f"other-{number}", key=key(f"k{number // 3}", until="started", follow=True), **given)
        for number in range(20)
    ]

    async def prepare(store: Store) -> None:
        await store.put_limit(limit())
        await store.enqueue([group(*others)])

    await counted.of(prepare)
    check(await counted.enqueue(runs), ENQUEUE)
    claims, commands = await counted.of(lambda store: store.claim(counted.request(runs)))
    check(commands, CLAIM)
    check((await counted.of(lambda store: store.settle(completed(claims))))[1], SETTLE)


@pytest.mark.parametrize("runs", COUNTED)
async def test_runs_are_looked_at_and_kept_alive_in_few_commands(counted: Counted, runs: int) -> None:
    await counted.enqueue(runs)
    claims, _ = await counted.of(lambda store: store.claim(counted.request(runs)))
    leases = [claim.lease for claim in claims.claims]
    named = [lease.run_id for lease in leases]
    await counted.of(lambda store: store.watch(["nobody"]))  # warm
    await counted.of(lambda store: store.extend(leases, 30.0))
    await counted.of(lambda store: store.get(named))
    states, commands = await counted.of(lambda store: store.watch(named))
    assert states == ["running"] * runs
    check(commands, WATCH)
    answers, commands = await counted.of(lambda store: store.extend(leases, 30.0))
    assert answers == ["ok"] * runs
    check(commands, EXTEND)
    await counted.of(lambda store: store.settle(completed(claims)))
    found, commands = await counted.of(lambda store: store.get(named))
    assert all(run is not None and run.result == b"1" for run in found)
    check(commands, GET)


async def test_a_group_that_waits_in_a_line_is_stored_in_few_commands(counted: Counted) -> None:
    """They grow with what is written at once, and not with the runs: nothing is looked for one by one."""
    runs = [new_run(f"w{number}", limits=refs("l")) for number in range(500)]

    async def prepare(store: Store) -> None:
        await store.put_limit(limit())
        await store.enqueue([group(new_run("first", limits=refs("l")))])

    await counted.of(prepare)
    answers, commands = await counted.of(lambda store: store.enqueue([group(*runs)]))
    assert isinstance(answers[0], Accepted)
    check(commands, LINE)
