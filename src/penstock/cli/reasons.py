"""Why a run has not finished, as a sentence that ends with what to do, where there is something. Knows no store."""

from typing import Final

from penstock.cli.screen import Document
from penstock.cli.text import ago, span

_ADVICE: Final = {
    "due": "it is not due yet; `penstock runs promote` starts it now",
    "limit": "the limit is full: {detail}",
    "fair": "it stands behind others of its value, {detail}, and the values take turns",
    "unique": "it is the next after {detail}, and starts when that has ended",
    "rate": "the rate is used up: {detail}",
    "pause": "paused: {detail}; `penstock queues resume` lets it go on",
    "children": "it waits for children: {detail}",
    "blocked": "blocked by a child that failed, {detail}: redrive, remove or detach that one",
    "signal": "it waits for a signal: {detail}",
    "moment": "it sleeps",
    "no_worker": "no live worker knows its task ({detail}); start one: `penstock worker MODULE:app`",
    "mismatch": "no live worker has code that fits its history ({detail}); deploy code that does",
    "running": "it is running on {detail}",
    "ready": "it is next in its queue, as soon as a worker has room",
    "ending": "it is asked to end: {detail}",
    "open": "its flow is not closed yet: {detail}",
}
_OVERDUE: Final = {
    "due": "its time has come; the next worker that looks takes it up: `penstock workers list` says who is there",
    "moment": "it has slept; the next worker that looks wakes it: `penstock workers list` says who is there",
}


def because(why: Document, now: float) -> str:
    """The reason in words, since when, and when it ends by itself."""
    detail = ", ".join(one for one in why["detail"] if one) or "-"
    reason: str = why["reason"]
    until = why["until_at"]
    over = _OVERDUE if until is not None and until <= now else {}
    told = over.get(reason, _ADVICE.get(reason, f"{reason}: {{detail}}")).replace("{detail}", detail)
    ends = "" if until is None else f"; until {ago(until, now)}" if until <= now else f"; for {span(until - now)} more"
    return f"{told} (since {span(now - why['since_at'])}{ends})"
