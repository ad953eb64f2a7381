"""Flows on their way into the store: each whole or not at all. Knows nodes and groups, and not how nodes are prepared.

A tree of up to 1 000 runs and 4 MiB is one group, and several small trees share one. A larger tree is opened with its
root, filled, and closed with its last group: none of its runs is ready before (`core.requests.Group`).
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from penstock.app.client import Client
from penstock.core.answers import Accepted, Entered, Refused
from penstock.core.errors import PenstockError
from penstock.core.requests import Group
from penstock.models.flows import Laid
from penstock.models.growing import packed, portions_of, refused

INCOMPLETE: Final = "the flow could not be stored whole"


async def enter(client: Client, trees: Sequence[Sequence[Laid]]) -> list[Entered]:
    """Store the trees. Raises what is wrong with a node, naming it; then nothing of its group is stored."""
    entering = (await client.here()).entering
    groups = packed(trees)
    small = [
        entering.put(Group(runs=tuple(one.new for one in group))) for group in groups if len(portions_of(group)) == 1
    ]
    answers = iter(await asyncio.gather(*small))
    entered: list[Entered] = []
    for group in groups:
        if len(portions_of(group)) == 1:
            entered += accepted(group, next(answers)).runs
        else:
            entered += await _enter_large(client, group)
    return entered


async def _enter_large(client: Client, tree: Sequence[Laid]) -> list[Entered]:
    """One tree in several groups. An error on the way cancels what is stored of it."""
    entering = (await client.here()).entering
    parts = portions_of(tree)
    root = tree[0].new.id
    groups = [
        Group(runs=tuple(one.new for one in part), flow=root, opens=n == 0, closes=n == len(parts) - 1)
        for n, part in enumerate(parts)
    ]
    answers = await asyncio.gather(*(entering.put(group) for group in groups[:-1]))
    if all(isinstance(answer, Accepted) for answer in answers):
        answers.append(await entering.ask(groups[-1]))
    entered: list[Entered] = []
    try:
        for part, answer in zip(parts, answers, strict=False):
            entered += accepted(part, answer).runs
    except PenstockError:
        await give_up(client, root, [one for answer in answers if isinstance(answer, Accepted) for one in answer.runs])
        raise
    return entered


async def give_up(client: Client, root: str, stored: Sequence[Entered]) -> None:
    """Let go of what was there before, then cancel what is stored of the flow: none of it has been ready."""
    if not stored or not stored[0].created:
        return
    store = await client.store()
    for one in stored:
        if not one.created:
            await store.detach(one.id)
    await store.cancel([root], reason=INCOMPLETE)


def accepted(group: Sequence[Laid], answer: Accepted | Refused) -> Accepted:
    """The answer, if the group is stored; raises what is wrong with its offending node otherwise."""
    if isinstance(answer, Refused):
        raise refused(group, answer)
    return answer
