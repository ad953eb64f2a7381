"""From a store's answers to the errors that callers hear."""

from typing import Final, NoReturn

from penstock.core.answers import Answer, Refused, Spawned
from penstock.core.errors import (
    Cascading,
    Duplicate,
    Invalid,
    KeyConflict,
    LeaseLost,
    NotFound,
    PayloadTooLarge,
    PenstockError,
    WrongState,
)
from penstock.core.requests import Group
from penstock.core.run import NewRun
from penstock.engine.batcher import BYTES

# operation -> how a run stands for which it means nothing, and what to do instead
MEANINGLESS: Final = {
    "promote": "not scheduled, so nothing is to be brought forward: ask `why` what it waits for",
    "reschedule": "under way, so its time has come: cancel it, or enqueue another",
    "reprioritise": "running, so its turn has come: cancel it, or enqueue another",
    "update_input": "claimed already, and keeps what it was told: cancel it, or enqueue another",
    "redrive": "not finished, so there is no other life to begin: wait for its end, or cancel it",
    "detach": "waited for by no run: there is nothing to be cut",
    "remove": "part of a flow that is still being stored: ask again when it is",
    "attach": "part of a flow that is still being stored, or has a key: what is waited for has none",
}


def refused(new: NewRun, answer: Refused | Spawned, *, parameter: str) -> PenstockError:
    """Why this run of a group could not be stored."""
    in_the_way = answer.run_id if isinstance(answer, Refused) else None
    match answer.answer:
        case Answer.KEY_CONFLICT:
            return KeyConflict(new.key.key if new.key else "", in_the_way or "")
        case Answer.CASCADING:
            return Cascading(in_the_way or new.id)
        case Answer.NOT_FOUND:
            return NotFound("run", in_the_way or new.id)
        case Answer.LOST:
            return LeaseLost(new.parent.parent_id if new.parent else new.id)
        case Answer.BIG:
            return PayloadTooLarge(parameter, len(new.input) + len(new.options), BYTES)
        case _:
            return Invalid(parameter, new.id, f"{answer.detail or answer.answer} (task {new.task})")


def size_of(group: Group) -> int:
    """Bytes of a group's payload."""
    return sum(len(run.input) + len(run.options) for run in group.runs)


def raise_for(answer: Answer, run_id: str, operation: str) -> None:
    """Nothing for `ok`; else the error that says why nothing was changed."""
    if answer is not Answer.OK:
        _raise(answer, run_id, operation)


def _raise(answer: Answer, run_id: str, operation: str) -> NoReturn:
    match answer:
        case Answer.NOT_FOUND:
            raise NotFound("run", run_id)
        case Answer.CASCADING:
            raise Cascading(run_id)
        case Answer.KEY_CONFLICT | Answer.DUPLICATE:
            raise Duplicate(run_id, "that took it meanwhile")
        case Answer.RUNNING:
            raise WrongState(operation, run_id, "running, or one below it is")
        case Answer.FINISHED:
            raise WrongState(operation, run_id, "finished")
        case Answer.HAS_PARENT:
            raise WrongState(operation, run_id, "waited for by another run: detach it first")
        case Answer.CYCLE:
            raise WrongState(operation, run_id, "above that run already")
        case Answer.DEEP:
            raise WrongState(operation, run_id, "too deep a tree: there are 64 levels")
        case Answer.BIG:
            raise WrongState(operation, run_id, "the root of more than 1,000 runs, some of them not finished")
        case _:
            said = MEANINGLESS.get(operation.partition(" ")[0], "in a state in which this means nothing")
            raise WrongState(operation, run_id, said)
