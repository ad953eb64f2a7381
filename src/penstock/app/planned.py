"""Calls as nodes of a flow: what comes before a call, and what its failure does to the run that waits for it.

Knows no store: `app.submit` and `ctx.children.add` store what is said here.
"""
# ruff: noqa: SLF001 (copies of a call, and its other halves)

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import copy
from functools import partial
from itertools import accumulate
from typing import Literal, Self, TypeAlias, TypeVar, cast

from penstock.app import submitting
from penstock.app.client import Client
from penstock.app.layers import Layers
from penstock.app.policies import Policy, check_policy
from penstock.core.errors import Invalid, PenstockError
from penstock.core.names import check_name
from penstock.core.policy import IfFails
from penstock.core.registry import Definition
from penstock.core.run import NewRun, Siblings
from penstock.engine.handler import Attempt
from penstock.models import durable, growing
from penstock.models.flows import DEEPEST, Edge, Laid, Node, below, check_distinct, laid_out

Others: TypeAlias = Literal["cancel", "keep"]
P = TypeVar("P", bound="Planned")


class Preparing:
    """What runs that are prepared together have in common: layers of options, and one look at what is declared."""

    def __init__(self, client: Client, layers: Layers | None = None) -> None:
        self.layers = layers or client.layers
        self._client = client
        self._definitions: Sequence[Definition] | None = None
        self._current = False  # they were looked up for these runs

    async def definitions(self) -> Sequence[Definition]:
        """What workers have declared, as it was a few seconds ago at the oldest."""
        if self._definitions is None:
            self._definitions = self._client.declarations.remembered(self._client.home.clock)
        return await self._look() if self._definitions is None else self._definitions

    async def looked_again(self) -> bool:
        """Whether what was remembered did not do, and `definitions` has been looked up meanwhile."""
        if self._current:
            return False
        await self._look()
        return True

    async def _look(self) -> Sequence[Definition]:
        self._definitions = await self._client.declarations.look(await self._client.store(), self._client.home.clock)
        self._current = True
        return self._definitions


class Planned(ABC):
    """What a task's `call(...)` returns: prepared, and not stored yet."""

    __slots__ = ("_before", "_below", "_client", "_edge", "_id", "_own_id", "_siblings")

    def __init__(self, client: Client, run_id: str, *, own_id: bool) -> None:
        self._client = client
        self._id = run_id
        self._own_id = own_id  # its caller has said the id
        self._before: tuple[Planned, ...] = ()
        self._below = "after"  # what its children are called where the caller has written them
        self._edge = Edge()
        self._siblings: Siblings | None = None

    @property
    def id(self) -> str:
        """The id that the run will have, unless its key stands for another one."""
        return self._id

    def after(self, *calls: "Planned", siblings: Others | None = None) -> Self:
        """The same call, to be carried out when these have succeeded: its children, in this order. For `app.submit`.

        Said again, it adds to those said before. `siblings`: what happens to the other children, those that have not
        finished, when the run ends badly, be it by one of them: "cancel" (default) or "keep".
        """
        for place, call in enumerate(calls):
            if not isinstance(call, Planned):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise Invalid(f"calls[{place}]", call, "what a task's call(...) returns")
        other = copy(self)
        other._before = (*self._before, *calls)
        if siblings is not None:
            other._siblings = check_siblings(siblings)
        return other

    def if_fails(self, policy: Policy) -> Self:
        """The same call, as a child whose failure does this to its parent. For flows.

        "fail" (default): the parent fails at once. "block": it goes on waiting, and says for whom. "continue": it
        starts at once. "ignore": as if the child had succeeded, but its error can be read. "remove": as if there had
        been no child.
        """
        return self._with(if_fails=check_policy(policy))

    def named(self, name: str) -> Self:
        """The same call, as a child that its parent reads by this name instead of its task's. For flows."""
        return self._with(name=check_name(name, "name"))

    def _with(self, *, if_fails: IfFails | None = None, name: str = "") -> Self:
        said = self._edge
        if if_fails is not None and said.if_fails is not None:
            raise Invalid("if_fails", if_fails.value, f"it is {said.if_fails.value} already: one policy for each child")
        other = copy(self)
        other._edge = Edge(if_fails=if_fails or said.if_fails, name=name or said.name)
        return other

    @abstractmethod
    async def _made(self, within: "Preparing | None" = None) -> NewRun:
        """The run, its arguments checked; as one of several that are prepared together."""

    async def _added_to(self, attempt: Attempt, calls: Sequence["Planned"]) -> list[str]:
        """Store all these calls as children of the running run; their ids."""
        run_id = attempt.claim.run_id

        async def nodes() -> list[Node]:
            within = Preparing(self._client)
            return [await call._node(f"calls[{place}]", within) for place, call in enumerate(calls)]

        def lay(node: Node) -> list[Laid]:
            return laid_out(node, below(run_id, node))

        found, give_up = durable.here(), partial(submitting.give_up, self._client)
        if found is not None:
            entered = await growing.in_workflow(found, "children.add", nodes, lay, give_up=give_up)
        else:
            trees = [lay(node) for node in await nodes()]
            check_distinct([one for tree in trees for one in tree])
            entered = await growing.spawn(attempt, trees, give_up)
        starts = accumulate((_size(call) for call in calls[:-1]), initial=0)
        return [entered[start].id for start in starts]

    async def _node(self, where: str, within: "Preparing", depth: int = 0) -> Node:
        if depth > DEEPEST:
            raise Invalid(where, self._id, f"more than {DEEPEST} levels below the root")
        try:
            new = await self._made(within)
        except PenstockError as error:
            raise placed(error, where) from None
        children = [
            await call._node(f"{where}.{self._below}[{place}]", within, depth + 1)
            for place, call in enumerate(self._before)
        ]
        return Node(
            new=new,
            where=where,
            own_id=self._own_id,
            edge=self._edge,
            siblings=self._siblings,
            children=tuple(children),
        )


async def alone(call: Planned, parameter: str) -> NewRun:
    """The call's run. Raises `Invalid` if something is said that only a flow can mean."""
    if call._edge.said or call._before or call._siblings is not None:
        raise Invalid(parameter, call, "after, if_fails and named are said of flows: give it to app.submit")
    return await call._made()


def has_id(call: Planned) -> bool:
    """Whether its caller has said the id."""
    return call._own_id


def before(call: Planned) -> tuple[Planned, ...]:
    """The calls that it comes after."""
    return call._before


def _size(call: Planned) -> int:
    return 1 + sum(_size(child) for child in call._before)


def as_data(call: P) -> P:
    """The same call, whose caller has written its children as plain data: errors name them so."""
    call._below = "children"
    return call


async def node_of(call: Planned, where: str, within: "Preparing") -> Node:
    """The call as a node, and all below it. Raises what is wrong with one of them, naming its place."""
    return await call._node(where, within)


def check_siblings(value: object, parameter: str = "siblings") -> Siblings:
    """The value as what becomes of siblings."""
    try:
        return Siblings(cast("str", value))
    except ValueError:
        raise Invalid(parameter, value, f"one of {', '.join(Siblings)}") from None


def placed(error: PenstockError, where: str) -> PenstockError:
    """The same error, saying which node it is about."""
    error.args = (f"{where}: {error.args[0]}",)
    return error
