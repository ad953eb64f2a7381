"""`penstock why RUN`: the one question that every run which is not finished can answer."""

from typing import Any

import click

from penstock.cli.documents import document
from penstock.cli.reasons import because
from penstock.cli.said import Said, shared
from penstock.cli.screen import Document
from penstock.cli.session import Session, carry_out
from penstock.cli.text import ago, escaped, shortened


@click.command("why")
@shared
@click.argument("run_id", metavar="RUN")
@click.pass_obj
def why(said: Said, run_id: str) -> None:
    """Say why a run has not finished, or how it ended.

    Also since when, when that ends by itself, and what to do.
    """
    carry_out(said, lambda session: _why(session, run_id))


async def _why(session: Session, run_id: str) -> None:
    run = session.app.run(run_id)
    reason = await run.why()
    status = await run.status()
    now = (await session.app.info()).now
    answer: dict[str, Any] = {
        "id": status.id,
        "task": status.task,
        "queue": status.queue,
        "state": str(status.state),
        "why": None if reason is None else document(reason),
        "cause": status.cause,
        "error": None if status.error is None else document(status.error),
        "finished_at": status.finished_at,
    }
    session.screen.one(answer, lambda one: [_sentence(one, now)])


def _sentence(one: Document, now: float) -> str:
    if one["why"] is not None:
        return escaped(f"{one['state']}: {because(one['why'], now)}")
    cause = f" ({one['cause']})" if one["cause"] else ""
    error = one["error"]
    told = "" if error is None else ": " + shortened(f"{error['type']}: {error['message']}", 400)
    return escaped(f"{one['state']} {ago(one['finished_at'], now)}{cause}") + told
