"""Does what the store says agree with what the processes wrote down? Knows neither how faults come nor why.

One run for each acknowledged enqueue, one end for each run and the end that its work must have, no end that changes, no
write taken under a lease that was lost, counters that add up, no lease lost without a fault.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from penstock.core.answers import Answer
from penstock.core.run import Cause, Run
from penstock.core.state import State
from tests.crash.oracle import Event, Lease
from tests.crash.work import end_of, plan_of, result_of

ENDS = {"Complete", "Fail"}


@dataclass
class Found:
    """What the events and the store say together."""

    wrong: list[str] = field(default_factory=list[str])
    counts: Counter[str] = field(default_factory=Counter[str])

    def expect(self, holds: bool, what: str) -> None:
        if not holds:
            self.wrong.append(what)


def acknowledged(events: Iterable[Event]) -> dict[str, int]:
    """The runs of which a producer was told, with their numbers."""
    return {event.run: event.number for event in events if event.kind == "told"}


def check(events: Sequence[Event], runs: Mapping[str, Run | None], dead: set[int], stopped: set[int]) -> Found:
    """All that must hold. `dead` and `stopped`: the processes that were killed, or stood still for long."""
    found = Found()
    told, cancels = acknowledged(events), _cancelled(events)
    _check_enqueues(found, events)
    for run_id, number in told.items():
        run = runs.get(run_id)
        if run is None:
            found.wrong.append(f"run {run_id} of number {number} was acknowledged and is gone")
            continue
        _check_end(found, run, number, cancels)
        _check_counters(found, run)
    _check_writes(found, events, runs)
    _check_executions(found, events, runs)
    _check_leases(found, events, dead | stopped)
    for event in events:
        if event.kind == "changed":
            found.wrong.append(f"run {event.run} ended as {event.detail!r}, later it was {event.answer!r}")
    found.counts["runs"] = len(told)
    found.counts["ends seen"] = sum(event.kind == "seen" for event in events)
    return found


def _check_enqueues(found: Found, events: Iterable[Event]) -> None:
    """Every acknowledged number is one run, however often and by whomever it was enqueued."""
    runs: dict[int, set[str]] = defaultdict(set)
    created: dict[int, int] = Counter()
    for event in events:
        if event.kind == "told":
            runs[event.number].add(event.run)
            created[event.number] += event.answer == "created"
            found.counts["enqueued again"] += event.answer == "known"
    for number, ids in runs.items():
        found.expect(len(ids) == 1, f"number {number} is {len(ids)} runs: {sorted(ids)}")
        found.expect(created[number] <= 1, f"number {number} was created {created[number]} times")


def _cancelled(events: Iterable[Event]) -> dict[str, str]:
    """What was answered to cancels, by run; "" where the answer was lost."""
    answers: dict[str, str] = {}
    for event in events:
        if event.kind in {"cancelling", "cancelled"}:
            answers[event.run] = event.answer
    return answers


def _check_end(found: Found, run: Run, number: int, cancels: Mapping[str, str]) -> None:
    state, failures = end_of(plan_of(number))
    found.counts[run.state.value] += 1
    what = f"run {run.id} of number {number} ({plan_of(number)})"
    found.expect(run.state.finished, f"{what} is stranded: {run.state}, {run.claims} claims, held by {run.worker}")
    answer = cancels.get(run.id)
    if run.state is State.CANCELLED:
        found.expect(answer is not None, f"{what} is cancelled and nobody asked for it")
        found.expect(run.result is None, f"{what} is cancelled and has a result")
        return
    found.expect(answer != "yes", f"{what} is {run.state} although its cancel was acknowledged")
    found.expect(run.state is state, f"{what} is {run.state} ({run.cause}), it had to be {state}")
    found.expect(run.failures == failures, f"{what} has {run.failures} failures instead of {failures}")
    if run.state is State.SUCCEEDED:
        found.expect(run.result == json.dumps(result_of(number)).encode(), f"{what} has the result {run.result!r}")
    else:
        found.expect(run.cause is Cause.ERROR, f"{what} failed because of {run.cause}")


def _check_counters(found: Found, run: Run) -> None:
    """Each claim is a failure, a crash, a release, or the one that ended the run."""
    for name in ("claims", "failures", "crashes", "releases"):
        found.counts[name] += getattr(run, name)
    last = run.claims - run.failures - run.crashes - run.releases
    allowed = {State.SUCCEEDED: {1}, State.FAILED: {0}, State.CANCELLED: {0, 1}}.get(run.state, {0, 1})
    found.expect(
        last in allowed,
        f"run {run.id} ({run.state}): {run.claims} claims are not {run.failures} failures, {run.crashes} crashes, "
        f"{run.releases} releases and {sorted(allowed)} end",
    )


def _check_writes(found: Found, events: Iterable[Event], runs: Mapping[str, Run | None]) -> None:
    """No write is taken under a lease when a newer one was known, and the newest lease alone ends a run."""
    fences: dict[Lease, int] = {}
    newest: dict[str, int] = Counter()
    late: set[Lease] = set()
    tried: set[Lease] = set()
    ended: dict[str, set[Lease]] = defaultdict(set)
    for event in events:
        match event.kind:
            case "claimed":
                fences[event.lease] = event.fence
                newest[event.run] = max(newest[event.run], event.fence)
            case "settling" if event.lease not in tried:  # a repeat may be answered ok: what was done once is done
                tried.add(event.lease)
                if fences[event.lease] < newest[event.run]:
                    late.add(event.lease)
            case "settled":
                found.counts[f"settles answered {event.answer}"] += 1
                if event.answer == Answer.OK:
                    found.expect(event.lease not in late, f"run {event.run}: a late {event.detail} was taken")
                    if event.detail in ENDS:
                        ended[event.run].add(event.lease)
            case _:
                pass
    found.counts["late settles tried"] = len(late)
    for run_id, leases in ended.items():
        run = runs.get(run_id)
        state = "gone" if run is None else run.state
        found.expect(len(leases) == 1, f"run {run_id} was ended under {len(leases)} leases")
        found.expect(
            max(fences[lease] for lease in leases) == newest[run_id] or state in {State.QUEUED, State.SCHEDULED},
            f"run {run_id} was ended, then claimed again",
        )


def _check_executions(found: Found, events: Iterable[Event], runs: Mapping[str, Run | None]) -> None:
    """Nothing begins more often than it was claimed, and nothing succeeds without its effect."""
    started: dict[str, int] = Counter(event.run for event in events if event.kind == "started")
    effects = {event.run for event in events if event.kind == "effect"}
    found.counts["executions"] = sum(started.values())
    for run_id, run in runs.items():
        if run is not None:
            times = started.get(run_id, 0)
            found.expect(times <= run.claims, f"run {run_id} began {times} times and was claimed {run.claims} times")
            if run.state is State.SUCCEEDED:
                found.expect(run_id in effects, f"run {run_id} succeeded without its effect")


def _check_leases(found: Found, events: Iterable[Event], faulty: set[int]) -> None:
    """Only faults cost leases."""
    begun = {(event.run, event.fence) for event in events if event.kind == "started"}
    unsettled: dict[Lease, Event] = {}  # its claim
    refused: set[Lease] = set()  # a heartbeat may also come just after the settle of the same process
    for event in events:
        match event.kind:
            case "claimed":
                unsettled[event.lease] = event
            case "settled" if event.answer == Answer.OK:
                claim = unsettled.pop(event.lease, event)
                found.counts["handed back"] += event.detail == "Release" and (claim.run, claim.fence) in begun
            case "extended" if event.answer == Answer.LOST:
                refused.add(event.lease)
            case _:
                pass
    found.counts["leases of which a heartbeat was refused"] = len(refused & unsettled.keys())
    living = sum(claim.pid not in faulty for claim in unsettled.values())
    found.counts["leases lost by the dead and the stopped"] = len(unsettled) - living
    found.counts["leases lost by the living"] = living
    found.expect(living <= max(3, len(unsettled) // 10), f"processes that nothing happened to lost {living} leases")
