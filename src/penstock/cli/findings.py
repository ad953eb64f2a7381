"""What a doctor looks at, one function for each question. Looks only: nothing is changed."""

import platform
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, Final, Literal, TypeAlias

from penstock.app.app import App
from penstock.app.operations import Known
from penstock.app.workers import WorkerStatus
from penstock.cli.queues import standings
from penstock.cli.session import masked
from penstock.cli.text import counted, span
from penstock.core.errors import PenstockError
from penstock.core.state import State
from penstock.core.views import StoreInfo

Grade: TypeAlias = Literal["ok", "warn", "fail"]

SKEW: Final = 0.5  # seconds between this clock and the store's that need no mention
OPTIONAL: Final = ("rich", "uvloop", "pydantic")
LITTLE: Final = 64 << 20  # bytes of room of which somebody should know
NOTHING: Final = 1 << 20  # ... and with which nothing more may be stored at any moment
SAMPLE: Final = 100  # queued runs whose tasks are looked at


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer, and what to do about it."""

    status: Grade
    name: str
    finding: str
    advice: str = ""

    def document(self) -> dict[str, Any]:
        """The finding under its stable names."""
        return asdict(self)


async def examine(app: App) -> list[Finding]:
    """All findings, in an order in which one explains the next. A store that does not answer ends the list."""
    findings = software()
    try:
        before = time.time()
        async with app:
            info = await app.info()
            findings += [_reached(app, time.time() - before), _schema(info), _durability(info), *_room(info)]
            findings.append(await _clock(app))
            findings += await _work(app, info.now)
    except (PenstockError, OSError) as error:
        findings.append(
            Finding("fail", "store", f"{masked(app.url)}: {error}", "check --url, PENSTOCK_URL and the server")
        )
    return findings


async def _work(app: App, now: float) -> list[Finding]:
    alive = [worker for worker in await app.workers() if worker.expires_at > now]
    known = await app.definitions()
    queues = await standings(app)
    return [
        _workers(alive, queues),
        *_queues(alive, queues),
        await _tasks(app, alive),
        await _stalled(app, now),
        _mixed(app, alive, known),
    ]


def software() -> list[Finding]:
    """What is installed here."""
    extras = [name for name in OPTIONAL if find_spec(name) is not None]
    told = (
        f"penstock {version('penstock')}, Python {platform.python_version()}, with {', '.join(extras) or 'no extras'}"
    )
    return [Finding("ok", "software", told)]


def _reached(app: App, seconds: float) -> Finding:
    return Finding("ok", "store", f"{masked(app.url)} answers after {span(seconds)}, namespace {app.namespace}")


def _schema(info: StoreInfo) -> Finding:
    return Finding("ok", "schema", f"version {info.schema}, store {info.store_id}")


def _durability(info: StoreInfo) -> Finding:
    match info.durable:
        case "memory":
            return Finding("warn", "durability", "nothing outlives this process", "name a store on disk or a server")
        case "fast":
            told = "a power cut may take the last moments with it"
            return Finding("warn", "durability", told, "leave out fast=1 if that matters")
        case "volatile":
            told = "nothing outlives the server, which is allowed to be so"
            return Finding("warn", "durability", told, "turn on its appendonly, and leave out allow_volatile=1")
        case "points":
            told = "the server's save points only: what was stored since is lost when it stops"
            return Finding("warn", "durability", told, "turn on its appendonly")
        case "unknown":
            told = "the server does not say what it keeps"
            return Finding("warn", "durability", told, "see to it that it keeps an append-only file")
        case _:
            return Finding("ok", "durability", info.durable)


def _room(info: StoreInfo) -> list[Finding]:
    """Whether more can be stored. Without room nothing can be enqueued; workers go on, and so make some."""
    if info.left is None:
        return []
    told = f"{info.left / 2**20:,.0f}MB left to the store"
    if info.left >= LITTLE:
        return [Finding("ok", "room", told)]
    advice = "start workers, take finished runs away (penstock queues clean), or give it more"
    return [Finding("warn" if info.left >= NOTHING else "fail", "room", told, advice)]


async def _clock(app: App) -> Finding:
    before = time.time()
    there = (await app.info()).now
    after = time.time()
    skew = there - after if there > after else min(0.0, there - before)
    if abs(skew) <= SKEW:
        return Finding("ok", "clock", f"within {span(SKEW)} of the store's")
    told = f"the store's clock is {span(abs(skew))} {'ahead of' if skew > 0 else 'behind'} this one"
    return Finding("warn", "clock", told, "synchronise the clocks; due times follow the store's")


def _workers(alive: Sequence[WorkerStatus], queues: Sequence[dict[str, Any]]) -> Finding:
    if alive:
        places = sorted({f"{worker.host}:{worker.pid}" for worker in alive})
        return Finding("ok", "workers", f"{counted(len(alive), 'live worker')} ({', '.join(places[:5])})")
    waiting = sum(queue["queued"] + queue["scheduled"] for queue in queues)
    told = f"none alive, {counted(waiting, 'run')} to be done"
    return Finding("fail" if waiting else "warn", "workers", told, "start one: penstock worker MODULE:app")


def _queues(alive: Sequence[WorkerStatus], queues: Sequence[dict[str, Any]]) -> list[Finding]:
    findings: list[Finding] = []
    for queue in queues:
        backlog, name = queue["queued"], queue["queue"]
        if queue["paused"]:
            told = f"{name} is paused with {counted(backlog, 'run')} queued"
            findings.append(Finding("warn", "queue", told, f"penstock queues resume {name}"))
        elif alive and backlog and not any(name in worker.queues for worker in alive):
            told = f"{name} has {counted(backlog, 'run')} queued and no worker"
            findings.append(Finding("fail", "queue", told, f"start one: penstock worker MODULE:app --queues {name}"))
    return findings or [Finding("ok", "queues", f"{counted(len(queues), 'queue')}, each served or empty")]


async def _tasks(app: App, alive: Sequence[WorkerStatus]) -> Finding:
    """Whether what stands first is known to anybody."""
    known = {task.partition("@")[0] for worker in alive for task in worker.tasks}
    page = await app.runs(state=State.QUEUED, limit=SAMPLE)
    unknown = Counter(run.task for run in page.items if run.task not in known)
    if not unknown:
        return Finding("ok", "tasks", "every task of the latest queued runs is known to a live worker")
    told = ", ".join(f"{task} ({counted(n, 'run')})" for task, n in unknown.most_common(5))
    return Finding("fail" if alive else "warn", "tasks", f"no live worker knows {told}", "deploy a worker that does")


async def _stalled(app: App, now: float) -> Finding:
    """Whether runs are left behind by a worker that is gone; live workers bring these back by themselves."""
    page = await app.runs(state=State.RUNNING, limit=1000)
    holders = {worker.worker for worker in await app.workers() if worker.expires_at > now}
    lost = [run for run in page.items if run.worker is not None and run.worker not in holders]
    if not lost:
        return Finding("ok", "running", f"{counted(len(page.items), 'run')} running, each on a live worker")
    told = f"{counted(len(lost), 'run')} on workers that are gone"
    return Finding(
        "warn", "running", told, "live workers bring them back within a lease; penstock reconcile does it now"
    )


def _mixed(app: App, alive: Sequence[WorkerStatus], known: Sequence[Known]) -> Finding:
    """Whether several declare one task differently: then it depends on chance whose code carries a run out."""
    odd: list[str] = []
    for task in sorted({one.task for one in known}):
        ways = [one for one in known if one.task == task]
        queues = sorted({one.queue for one in ways})
        if len(queues) > 1:
            odd.append(f"{task} belongs to queues {', '.join(queues)}")
        elif len(codecs := {one.options.get("codec", "") for one in ways}) > 1:
            odd.append(f"{task} is declared with codecs {', '.join(sorted(name or 'none' for name in codecs))}")
        elif len({repr(one.schema) for one in ways if one.version == ways[0].version}) > 1:
            odd.append(
                f"{task} takes different arguments in apps {', '.join(sorted({one.app or '-' for one in ways}))}"
            )
    strangers = sorted({worker.app for worker in alive} - {app.name or ""}) if app.tasks else []
    if app.tasks and alive and len(strangers) == len({worker.app for worker in alive}):
        odd.append(
            f"workers here belong to {', '.join(name or 'an app without name' for name in strangers)}, not to this app"
        )
    if odd:
        return Finding(
            "warn", "configuration", "; ".join(odd[:5]), "deploy one version of the code, or name tasks apart"
        )
    return Finding("ok", "configuration", f"{counted(len(known), 'task')} declared, each in one way")
