"""What is to be done so that a node begins, by its kind; but for loops and batches, which begin in the planner."""

from typing import Any

from penstock.core.duration import seconds
from penstock.core.error_record import ErrorRecord
from penstock.models.graph import paths, subgraphs
from penstock.models.graph.events import Await, Decided, OpenWebhook, Sleep, Start, StartGraph
from penstock.models.graph.parts import LIFE, SleepParams, SubgraphParams, WaitParams, WebhookParams
from penstock.models.graph.scheme import Stop


def starting(key: str, stop: Stop, given: Any, scope: paths.Scope, error: ErrorRecord | None) -> Decided:
    """The decision that starts the node; `error`: of the node that it stands in for."""
    node = stop.node
    match stop.settings:
        case WaitParams() as wait:
            timeout = None if wait.timeout is None else seconds(wait.timeout, "timeout")
            return Await(key=key, node=node.id, signal=wait.signal or node.id, timeout=timeout)
        case SleepParams() as sleep:
            return Sleep(key=key, node=node.id, seconds=seconds(sleep.duration, "duration"))
        case WebhookParams() as hook:
            ttl = LIFE if hook.ttl is None else seconds(hook.ttl, "ttl")
            return OpenWebhook(key=key, node=node.id, signal=hook.signal or node.id, ttl=ttl, waits=hook.waits)
        case SubgraphParams() as below:
            handed, context = subgraphs.handed(below, given, scope)
            return StartGraph(key=key, node=node.id, blueprint=below.blueprint, input=handed, context=context)
        case _:
            return Start(
                key=key,
                node=node.id,
                uses=node.uses,
                input=given,
                params=node.params,
                stands_in_for=stop.primary,
                error=error,
            )
