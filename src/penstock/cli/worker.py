"""`penstock worker MODULE:app`: a worker process, from the first line that it prints to the last."""

import asyncio
import logging
import os
import sys
import time
from contextlib import AsyncExitStack
from typing import Any, Final

import click

from penstock.app.app import App
from penstock.app.loops import LOOPS, check_loop
from penstock.app.worker_options import NamedByWorker
from penstock.app.working import Worker
from penstock.cli import when
from penstock.cli.exits import Exit
from penstock.cli.lineage import end_with
from penstock.cli.said import Said, shared
from penstock.cli.screen import Screen, as_json
from penstock.cli.session import Session, carry_out, masked
from penstock.cli.text import counted, escaped, span
from penstock.core.errors import Invalid
from penstock.engine.health import check_address, serve
from penstock.engine.signals import stop_on_signals

_LISTED: Final = 10
LEVELS: Final = ("debug", "info", "warning", "error")


@click.command("worker")
@shared
@click.argument("target", metavar="MODULE:APP", required=False)
@click.option("--queues", metavar="NAMES", help="mail,default: served in this order. [those of the app's tasks]")
@click.option("--fair-queues", is_flag=True, help="Serve the queues in turns.")
@click.option("--concurrency", "-c", type=int, help="Runs at once, 1 to 10000. [10]")
@click.option("--lease", metavar="SPAN", help="After which a silent worker's runs go to others. [30s]")
@click.option("--grace", metavar="SPAN", help="For which a stopping worker lets its runs go on. [25s]")
@click.option("--burst", is_flag=True, help="Stop when nothing is ready any more; what is due later stays.")
@click.option("--name", metavar="NAME", help="The beginning of its identity. [worker]")
@click.option("--recycle-runs", type=int, metavar="N", help="Begin anew, as a fresh process, after so many runs.")
@click.option("--recycle-memory", metavar="SIZE", help="... or above so much memory: 512MB.")
@click.option("--child-runs", type=int, metavar="N", help="Replace a child process after so many runs. [1000]")
@click.option("--child-memory", metavar="SIZE", help="... and above so much memory at its peak.")
@click.option(
    "--loop",
    type=click.Choice(LOOPS),
    envvar="PENSTOCK_LOOP",
    default="asyncio",
    help="Of events. [PENSTOCK_LOOP, else asyncio]",
)
@click.option("--until-eof", type=int, hidden=True, help="Stop when this file descriptor ends.")
@click.option("--health", metavar="HOST:PORT", help="Answer GET /health there: 200, or 503 when a loop stands still.")
@click.option("--check", is_flag=True, help="Work nothing: exit with 0 if a live worker serves this app, else with 1.")
@click.option("--log-level", type=click.Choice(LEVELS), default="warning", show_default=True, help="Of what is logged.")
@click.pass_obj
def worker(
    said: Said,
    /,
    target: str | None,
    *,
    health: str | None,
    check: bool,
    log_level: str,
    loop: str,
    until_eof: int | None,
    **named: Any,
) -> Exit:
    """Carry out the runs of an app's tasks.

    MODULE:APP says which app, as in shop:app; the present folder is looked in first.

    SIGTERM or SIGINT: claim nothing more, let runs end for the grace, hand back the rest, exit with 0. A second one
    cuts the grace short.
    """
    if target is not None:
        said.app = target
    if said.setting("app")[0] is None:
        raise Invalid("MODULE:APP", "", "say which app, as in `penstock worker shop:app`")
    options = _options(named)
    if check:
        return carry_out(said, lambda session: _check(session, options))
    address = None if health is None else check_address(health)
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    again = carry_out(
        said, lambda session: _work(session, options, address, until_eof), makes=True, loop=check_loop(loop)
    )
    if again:  # in the same process: whoever watches it need not know
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 (what was typed in)
    return Exit.OK


def _options(named: dict[str, Any]) -> NamedByWorker:
    """What the options say, those that say something."""
    found = NamedByWorker()
    if named["queues"] is not None:
        found["queues"] = [queue.strip() for queue in named["queues"].split(",")]
    if named["concurrency"] is not None:
        found["concurrency"] = named["concurrency"]
    if named["name"] is not None:
        found["name"] = named["name"]
    found["recycle_runs"], found["recycle_memory"] = named["recycle_runs"], named["recycle_memory"]
    found["child_memory"] = named["child_memory"]
    if named["child_runs"] is not None:
        found["child_runs"] = named["child_runs"]
    for option in ("lease", "grace"):
        if named[option] is not None:
            found[option] = when.span(named[option], option)
    found["fair_queues"] = named["fair_queues"]
    found["burst"] = named["burst"]
    return found


async def _work(
    session: Session, options: NamedByWorker, address: tuple[str, int] | None, until_eof: int | None
) -> bool:
    """Work until stopped; whether that was to begin anew."""
    app, screen = session.app, session.screen
    if not app.tasks:
        raise Invalid("MODULE:APP", repr(app), "it has no tasks: import the modules that register them beside it")
    worker = app.worker(**options)
    began, asked = time.monotonic(), False

    def stop() -> None:
        nonlocal asked
        asked = True
        _tell(screen, "stopping", worker.identity, "lets its runs end; signal again to cut that short")
        worker.stop()

    if until_eof is not None:
        end_with(until_eof, asyncio.get_running_loop(), stop, options.get("grace", 25.0))
    with stop_on_signals(stop):
        async with worker:
            _tell(screen, "started", worker.identity, _begun(app, worker, options))
            async with AsyncExitStack() as stack:
                if address is not None:
                    port = await stack.enter_async_context(serve(worker.health, *address))
                    _tell(screen, "health", worker.identity, f"GET /health on port {port}")
                await worker.stopped()
    again = worker.recycled is not None and not asked
    why = f": begins anew, after {worker.recycled}" if again else ""
    _tell(screen, "stopped", worker.identity, f"after {span(time.monotonic() - began)}{why}")
    return again


def _begun(app: App, worker: Worker, options: NamedByWorker) -> str:
    tasks = sorted(app.tasks)
    more = ", ..." if len(tasks) > _LISTED else ""
    queues = options.get("queues") or sorted(set(app.tasks.values()))
    return (
        f"{counted(len(tasks), 'task')} ({', '.join(tasks[:_LISTED])}{more}) of queues {', '.join(queues)}; "
        f"concurrency {worker.concurrency:,}; store {masked(app.url)}, namespace {app.namespace}"
    )


def _tell(screen: Screen, event: str, worker: str, message: str) -> None:
    """One line on stderr: what a worker's process says is no data."""
    if screen.for_people:
        click.echo(escaped(f"worker {worker} {event}: {message}"), err=True)
    else:
        click.echo(as_json({"event": event, "worker": worker, "message": message}), err=True)


async def _check(session: Session, options: NamedByWorker) -> Exit:
    """Whether live workers together know all tasks of the app, and serve their queues."""
    app = session.app
    now = (await app.info()).now
    alive = [one for one in await app.workers() if one.expires_at > now and one.app == (app.name or "")]
    known = {task.partition("@")[0] for one in alive for task in one.tasks}
    served = {queue for one in alive for queue in one.queues}
    lacking = sorted(set(app.tasks) - known)
    idle = sorted(set(options.get("queues") or app.tasks.values()) - served)
    ok = bool(alive) and not lacking and not idle
    told = (
        f"{counted(len(alive), 'live worker')}"
        + (f"; nobody knows {', '.join(lacking)}" if lacking else "")
        + (f"; nobody serves {', '.join(idle)}" if idle else "")
    )
    document = {"ok": ok, "workers": [one.worker for one in alive], "unknown_tasks": lacking, "unserved_queues": idle}
    session.screen.done(document, told)
    return Exit.OK if ok else Exit.FAILED
