"""What plans ask of this app: the runs of nodes, made as the app makes runs. Knows no plan.

A task's options are those of its code here, else those that a worker has declared, else the app's own: then its run
stands in the graph's queue until a worker comes that knows it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from penstock.app import layers, tickets
from penstock.app.client import Client
from penstock.app.declared import profile_of
from penstock.app.layers import Profile
from penstock.app.maker import Maker
from penstock.app.named import schema_of
from penstock.app.options import Options
from penstock.core.codec import Codec, check_size
from penstock.core.duration import seconds
from penstock.core.errors import Invalid
from penstock.core.leases import Claim
from penstock.core.registry import Definition
from penstock.core.retry import Retry
from penstock.core.run import NewRun
from penstock.models import nodes, overrides
from penstock.models.graph.events import OpenWebhook, Start, StartGraph
from penstock.models.graph.handler import GraphHandler
from penstock.models.graph.parts import USES, Node, NodeConfig, NodeRetry
from penstock.models.graph.stored import TASK, Baggage, GraphInput, encoded
from penstock.models.nodes import Handed

FRESH: Final = 5.0  # seconds for which what workers have declared is not asked for again
MADE: Final = 10_000  # kinds of runs that are remembered


class Kind:
    """The runs of one task with one node's settings."""

    def __init__(self, maker: Maker, parameters: Mapping[str, bool] | None) -> None:
        self.maker = maker
        self.parameters = parameters
        self.options = replace(overrides.decode(maker.template.options), node=True).encode()


class GraphHands:
    """Implements `Hands`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._kinds: dict[tuple[str, bytes, str], Kind] = {}
        self._definitions: dict[str, Definition] = {}
        self._asked_at: float | None = None

    @property
    def codec(self) -> Codec:
        """The app's."""
        return self._client.home.codec

    def clock(self) -> float:
        """The app's."""
        return self._client.home.clock()

    async def node(self, claim: Claim, start: Start, node: Node, context: dict[str, object]) -> NewRun:
        """The run of a task for this node, without its id and parent."""
        kind = await self._kind(claim, start.uses, node.config)
        handed = Handed(
            node=start.node,
            key=start.key,
            input=start.input,
            params=start.params,
            named=start.item is None and isinstance(node.inputs, Mapping),
            context=context,
            item=start.item,
            error=start.error,
        )
        data = check_size(encoded(handed), f"what node {start.key} is given", self._client.limit)
        maker = kind.maker
        new = replace(maker.template, input=self.codec.encode(data), options=kind.options)
        if maker.limits or maker.fair:
            arguments = nodes.bound(handed, kind.parameters or {})
            fair, weight = (None, 1) if maker.fair is None else maker.fair.of(arguments)
            limits = tuple(one.ref(arguments, maker.limit_keys) for one in maker.limits)
            new = replace(new, limits=limits, fair=fair, weight=weight)
        return new

    async def graph(self, claim: Claim, start: StartGraph, baggage: Baggage) -> NewRun:
        """The graph run for this node, in the queue of the one above."""
        if start.blueprint not in baggage.blueprints:
            raise Invalid("blueprint", start.blueprint, "one that was there when the graph was started")
        needed = within(start.blueprint, baggage.blueprints)
        below = Baggage(blueprints=needed, input=start.input, context=start.context)
        data = GraphInput(blueprint=start.blueprint, baggage=below).encode()
        template = Maker(self._client, PROFILE, Options(queue=claim.queue)).template
        return replace(template, input=self.codec.encode(data), priority=claim.priority)

    async def webhook(self, claim: Claim, hook: OpenWebhook) -> str:
        """A link: signed, good for one signal. Raises `Invalid` if this worker has no secret to sign it with."""
        maker = tickets.Tickets(tickets.secret_of(None))
        return tickets.link(maker, claim.run_id, hook.signal, hook.ttl).url

    async def cancel(self, run_ids: Sequence[str], reason: str) -> None:
        """End these runs, whatever they do."""
        await (await self._client.store()).cancel(run_ids, reason=reason)

    async def _kind(self, claim: Claim, uses: str, config: NodeConfig) -> Kind:
        key = uses, encoded(config), claim.queue
        found = self._kinds.get(key)
        if found is None:
            found = await self._made(claim, uses, config)
            if found.parameters is not None:  # of what nobody knows yet more may be known later
                if len(self._kinds) >= MADE:
                    self._kinds.clear()
                self._kinds[key] = found
        return found

    async def _made(self, claim: Claim, uses: str, config: NodeConfig) -> Kind:
        task, version = _split(uses)
        client = self._client
        known = client.versions.get((task, version)) if version else None
        if known is None and not version and task in client.handlers:
            known = client.handlers[task], client.profiles[task]
        if known is not None:
            handler, profile = known
            return Kind(self._maker(profile, config, handler.options.retry), handler.signature.parameters)
        definition = await self._definition(task, version)
        if definition is not None:
            return Kind(self._maker(profile_of(definition), config, Retry()), _parameters(definition))
        here = Options(queue=claim.queue)
        return Kind(self._maker(Profile(task=task, version=version, options=here), config, Retry()), None)

    def _maker(self, profile: Profile, config: NodeConfig, retry: Retry) -> Maker:
        return Maker(self._client, profile, _options(config, retry))

    async def _definition(self, task: str, version: str) -> Definition | None:
        """What workers have declared of this task."""
        if self._asked_at is None or self.clock() >= self._asked_at + FRESH:
            found = await (await self._client.store()).definitions()
            self._definitions = {}
            for one in sorted(found, key=lambda one: one.seen_at):
                self._definitions[one.task] = self._definitions[f"{one.task}@{one.version}"] = one
            self._asked_at = self.clock()
        return self._definitions.get(f"{task}@{version}" if version else task)


PROFILE: Final = Profile(task=TASK, options=Options(retry=Retry(1), crashes=100))


def within(name: str, blueprints: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The blueprint of this name, and those of all graphs below it."""
    found: dict[str, dict[str, Any]] = {}
    left = [name]
    while left:
        one = left.pop()
        if one in blueprints and one not in found:
            found[one] = blueprints[one]
            left += below(blueprints[one])
    return found


def below(blueprint: Mapping[str, Any]) -> list[str]:
    """The blueprints that its subgraphs name."""
    return [node["params"]["blueprint"] for node in blueprint["nodes"] if node["uses"] == "subgraph"]


def _split(uses: str) -> tuple[str, str]:
    said = USES.fullmatch(uses)
    assert said is not None  # checked with the blueprint
    return said["name"], said["version"] or ""


def _options(config: NodeConfig, retry: Retry) -> Options:
    """What the node says otherwise than its task."""
    said: dict[str, Any] = {}
    if config.queue is not None:
        said["queue"] = config.queue
    if config.timeout is not None:
        said["timeout"] = seconds(config.timeout, "timeout")
    if config.retry is not None:
        said["retry"] = _retry(config.retry, retry)
    if config.limits:
        said["limit_keys"] = dict(config.limits)
    return Options(**said)


def _retry(said: NodeRetry, of_task: Retry) -> Retry:
    """The task's numbers, with those that the node says."""
    fields = ("attempts", "delay", "backoff", "factor", "cap", "jitter")
    named = {name: getattr(of_task, name) for name in fields if not callable(getattr(of_task, name))}
    named |= {name: value for name in fields if (value := getattr(said, name)) is not None}
    return Retry(**named)


def _parameters(definition: Definition) -> dict[str, bool]:
    schema = schema_of(definition)
    root = schema.get("$defs", {}).get(str(schema.get("$ref", "")).rpartition("/")[2], schema)
    needed = root.get("required", ())
    return {name: name in needed for name in root.get("properties", {}) if name not in {"*", "**"}}


def planner(client: Client, queues: Sequence[str]) -> GraphHandler:
    """Who plans graph runs in a worker of these queues.

    It serves the queue in which this app starts graphs, if it has some or has nothing else to do; otherwise graph runs
    in those queues which the tasks have the worker serve anyway.
    """
    own = layers.said(client.layers.effective(PROFILE.options).queue, layers.QUEUE)
    return GraphHandler(GraphHands(client), own if client.graphs or not queues else queues[0])
