"""Which records another try must not find: else it would fail at once, by what it remembers.

Pure. The errors that left the body, those that nobody has heard, and what the scope of such an error did after it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from penstock.core.leases import Step
from penstock.models.journal import NOTES, Scope, call_of


def forgotten(
    escaped: BaseException,
    raised: Sequence[tuple[BaseException, Step]],
    stored: Sequence[Step],
    scopes: Mapping[str, Scope],
) -> tuple[str, ...]:
    """Paths of the records to forget, in the order written. `raised`: which error was made of which record."""
    chain = {id(error) for error in behind(escaped)}
    heard = {step.path for _, step in raised}
    roots = {step.path: step for error, step in raised if id(error) in chain}
    roots |= {step.path: step for step in stored if step.kind not in NOTES and step.error and step.path not in heard}
    gone = [
        step.path
        for step in stored
        if call_of(step) in roots or any(_after(step, root, scopes) for root in roots.values())
    ]
    return tuple(dict.fromkeys(gone))


def behind(error: BaseException) -> Iterable[BaseException]:
    """The error, and all that led to it: causes, contexts, members of groups."""
    found: dict[int, BaseException] = {}
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in found:
            continue
        found[id(one)] = one
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += cast("BaseExceptionGroup[BaseException]", one).exceptions
    return found.values()


def _after(step: Step, root: Step, scopes: Mapping[str, Scope]) -> bool:
    """Whether the call was made in the root's scope, or one opened later in it, when the root had been delivered."""
    if step.scope == root.scope:
        return step.seen > root.position
    scope = scopes.get(step.scope)
    return scope is not None and scope.within(root.scope, root.position)
