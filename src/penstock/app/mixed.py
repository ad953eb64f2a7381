"""Whether processes that share a store are configured differently: looked for when one begins, and said in the log.

A difference may be meant, as while keys rotate: so it is told, and nothing is refused.
"""

import logging
from collections.abc import Iterable
from typing import Final

from penstock.app.client import Client
from penstock.app.declared import terms_of
from penstock.core.errors import Mismatch
from penstock.core.registry import Definition
from penstock.ports.store import Store

_log: Final = logging.getLogger(__name__)


def differences(client: Client, definitions: Iterable[Definition]) -> list[Mismatch]:
    """What others say of this app's tasks that this process sees otherwise: once for each thing."""
    here = client.home.codec.name
    found: dict[str, Mismatch] = {}
    for one in definitions:
        if one.task in client.handlers and one.options:
            there = terms_of(one).codec
            if there != here:
                found.setdefault(there, Mismatch("the codec", here or "none", there or "none"))
    return list(found.values())


async def warn_of_differences(client: Client, store: Store, app: str) -> None:
    """Log what live workers of the same app have declared otherwise."""
    if not client.handlers:
        return
    found = differences(client, [one for one in await store.definitions() if one.app == app])
    if not found:
        return
    now = (await store.info()).now
    if any(worker.app == app and worker.expires_at > now for worker in await store.workers()):
        for difference in found:
            _log.warning("%s", difference)
