"""Ticks that reach another service: a task that posts them, signed, and is retried as long as that may help.

A dispatched tick is a run like any other: found, retried, redriven, limited. What it posts is what the served app's own
dispatch endpoint takes.
"""

import os
import ssl
import time
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from penstock.app.client import Client
from penstock.app.posting import Answered, Forbidden, Unreached, post, target_of
from penstock.app.registration import register
from penstock.app.signatures import signature
from penstock.app.task import Call, Task
from penstock.core.addresses import Network, network_of
from penstock.core.control import Never, RetryIn
from penstock.core.duration import Duration, seconds
from penstock.core.errors import DispatchFailed, Invalid
from penstock.core.inject import inject
from penstock.core.retry import Retry
from penstock.models.context import Context

RETRY: Final = Retry(8, on=DispatchFailed, delay="2s", cap="10m")
LATEST: Final = 3_600.0  # seconds: for what is longer, the other side's wish to be asked later is not followed


class Dispatched(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a tick: the result of its run."""

    status: int


class Dispatcher:
    """Prepares runs that post a tick. Made by `app.dispatcher`."""

    def __init__(self, task: Task[..., Any]) -> None:
        self.task = task

    def call(self, url: str, task: str, input: dict[str, Any] | None = None) -> Call[Dispatched]:  # noqa: A002 (as it travels)
        """A run that posts `{"task": ..., "at": ..., "input": ...}` there: for `app.schedules.create` and `edit`.

        `at` is the tick's moment, the same in every attempt; of a run by hand, when it was stored. Raises `Invalid`
        for a URL that is refused whatever its name leads to.
        """
        target_of(url)
        call: Call[Dispatched] = self.task.call(url, task, input or {})
        return call


class _Post:
    """Carries out what the task does."""

    def __init__(
        self, secret: str | None, private: Sequence[Network | str], timeout: float, context: ssl.SSLContext | None
    ) -> None:
        self._secret = secret
        self._private = private
        self._timeout = timeout
        self._context = context

    async def __call__(self, url: str, task: str, input: dict[str, Any], ctx: Context) -> Dispatched:  # noqa: A002
        body = msgspec.json.encode(
            {"task": task, "at": ctx.enqueued_at if ctx.nominal is None else ctx.nominal, "input": input}
        )
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "penstock",
            "Penstock-Run": ctx.run_id.replace("\n", ""),
            "Penstock-Signature": signature(self._key(), int(time.time()), body),
        }
        try:
            answered = await post(
                target_of(url), body, headers, private=self._private, timeout=self._timeout, context=self._context
            )
        except Forbidden as error:
            raise Never(f"{error}: allow_private= names those that may be reached") from error
        except Unreached as error:
            raise DispatchFailed(url, str(error)) from error
        return _judged(url, answered)

    def _key(self) -> bytes:
        return checked_secret(self._secret).encode()


def _judged(url: str, answered: Answered) -> Dispatched:
    """What the answer means for the run: done, once more, or never."""
    status = answered.status
    if 200 <= status < 300:
        return Dispatched(status=status)
    if status >= 500 or status == 429:
        wait = answered.headers.get("retry-after", "")
        if wait.isascii() and wait.isdigit() and len(wait) < 6 and int(wait) <= LATEST:
            raise RetryIn(float(wait), f"{url} answered {status}, and asked for {wait} s")
        raise DispatchFailed(url, f"it answered {status}")
    if 300 <= status < 400:
        raise Never(f"{url} answered {status}: redirects are not followed, name where it leads")
    raise Never(f"{url} answered {status}: it will not be asked again")


def dispatcher(  # noqa: PLR0913 (each is said once, by name)
    client: Client,
    name: str,
    *,
    secret: str | None,
    allow_private: Sequence[str],
    timeout: Duration,
    retry: Retry,
    queue: str | None,
    tls: ssl.SSLContext | None,
) -> Dispatcher:
    """Register the task. Raises `Invalid` for what is refused."""
    if secret is not None:
        checked_secret(secret)
    length = seconds(timeout, "timeout", allow_zero=False)
    send = _Post(secret, [_allowed(one) for one in allow_private], length, tls)

    async def dispatch(
        url: str,
        task: str,
        input: dict[str, Any],  # noqa: A002 (as it travels)
        *,
        ctx: Context = inject(),  # noqa: B008 (a marker)
    ) -> Dispatched:
        return await send(url, task, input, ctx)

    named: dict[str, Any] = {"retry": retry} if queue is None else {"retry": retry, "queue": queue}
    return Dispatcher(register(client, dispatch, name, named))


def checked_secret(said: str | None) -> str:
    """The secret that was said, else the environment's. Raises `Invalid` for none, or a short one."""
    secret = said or os.environ.get("PENSTOCK_DISPATCH_SECRET")
    if not secret or len(secret) < 16:
        hint = "a text of at least 16 characters that both sides know: say secret=, or set PENSTOCK_DISPATCH_SECRET"
        raise Invalid("secret", "***" if secret else None, hint)
    return secret


def _allowed(value: object) -> Network | str:
    """A network, or a host by its name."""
    if isinstance(value, str) and value:
        network = network_of(value)
        if network is not None:
            return network
        if not any(one in value for one in "/:*") and value.isascii():
            return value.lower()
    raise Invalid("allow_private", value, 'networks and hosts, like ["10.0.0.0/8", "rates.internal"]')
