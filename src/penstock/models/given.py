"""What a step is given beside its arguments, worked out when it is declared: by its annotations, as a task is."""

import inspect
from collections.abc import Callable
from inspect import Parameter
from typing import Any

from penstock.core.errors import Invalid
from penstock.core.hints import hints_of
from penstock.core.inject import Injected, Injection
from penstock.core.tx import Tx
from penstock.models.provision import Need, needs_of


def given_to(function: Callable[..., Any], where: str) -> tuple[dict[str, Need], str]:
    """Its injected parameters, and the name of the one that is a `Tx`; "" = there is none. Raises `Invalid`."""
    marked = [one for one in inspect.signature(function).parameters.values() if isinstance(one.default, Injected)]
    if not marked:
        return {}, ""
    annotations = hints_of(function, where)
    injected: dict[str, Injection] = {}
    transaction = ""
    for one in marked:
        if one.kind is not Parameter.KEYWORD_ONLY:
            raise Invalid(one.name, one, "what the worker fills in stands behind a `*`, so that callers may omit it")
        if annotations.get(one.name) is not Tx or one.default.provider is not None:
            injected[one.name] = Injection(annotations.get(one.name, Any), one.default.provider)
        elif transaction:
            raise Invalid(one.name, one, f"{where} has a Tx already, {transaction}: there is one to a step")
        elif inspect.iscoroutinefunction(function):
            raise Invalid(
                one.name, one, "a step with a Tx is a def: everybody waits for it, so it must not wait itself"
            )
        else:
            transaction = one.name
    return needs_of(injected, where), transaction
