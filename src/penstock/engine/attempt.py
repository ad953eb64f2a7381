"""One attempt, from the handler's first line to its outcome. What it raises becomes a move here, and nowhere else.

Knows neither the store nor where the code runs: on the loop, in a thread, or in a child process.
"""

import random
from asyncio import CancelledError

import msgspec

from penstock.core import error_record, leases
from penstock.core.control import RetryIn, Snooze
from penstock.core.errors import LeaseLost, Timeout
from penstock.core.leases import Fail, Outcome, Release
from penstock.core.retry import gap
from penstock.engine.handler import Attempt, Handler
from penstock.engine.stop import Reason


async def carry_out(handler: Handler, attempt: Attempt) -> Outcome | None:
    """Call an async handler; what comes of it, or None if the lease is lost and there is nothing to say."""
    try:
        outcome = await handler.work(attempt)
    except (KeyboardInterrupt, GeneratorExit):  # the process ends, or the loop is gone: nobody settles anything
        raise
    except BaseException as error:  # noqa: BLE001 (whatever a handler raises is its outcome, SystemExit included)
        return await verdict(handler, attempt, error)
    return outcome if attempt.stop.reason is None else await judged(handler, attempt, outcome)


async def judged(handler: Handler, attempt: Attempt, outcome: Outcome) -> Outcome | None:
    """What stands of an outcome that came after the attempt was asked to stop."""
    match attempt.stop.reason:
        case Reason.LOST:
            return None
        case Reason.TIMEOUT:  # too late is too late, whatever the handler made of the interruption
            return await verdict(handler, attempt, CancelledError())
        case _:  # the store ends a cancelled run as cancelled, and takes what came before a shutdown
            return outcome


async def verdict(handler: Handler, attempt: Attempt, error: BaseException) -> Outcome | None:
    """What an error means: another attempt, the end, handed back; None: the lease is lost, nothing can be said."""
    match attempt.stop.reason:
        case Reason.LOST:
            return None
        case Reason.TIMEOUT:
            error = _timeout(handler, attempt, error)
        case Reason.SHUTDOWN:  # we interrupted it; the next attempt is free
            return Release(lease=attempt.lease)
        case Reason.CANCEL if isinstance(error, CancelledError):  # the store turns the request into the end
            return Release(lease=attempt.lease)
        case None if isinstance(error, CancelledError) and attempt.host.leaving():
            return Release(lease=attempt.lease)
        case _:
            pass
    if isinstance(error, LeaseLost):
        return None
    if isinstance(error, Snooze):
        return _snooze(attempt, error)
    try:
        later = await _gap(handler, attempt, error)
    except Exception as second:  # noqa: BLE001 (the policy's own code failed: the run says so, with both errors)
        second.__context__ = error
        return Fail(lease=attempt.lease, error=error_record.describe(second).encode())
    record = error_record.describe(error).encode()
    if later is None:
        return Fail(lease=attempt.lease, error=record)
    return leases.Retry(lease=attempt.lease, delay=later, error=record)


async def _gap(handler: Handler, attempt: Attempt, error: BaseException) -> float | None:
    """Seconds until the next attempt; None: there is none."""
    policy = handler.retry(attempt.claim)
    if isinstance(error, RetryIn):
        return error.delay if attempt.claim.attempt < policy.attempts else None
    return await gap(policy, attempt.claim.attempt, error, random.random())


def _timeout(handler: Handler, attempt: Attempt, error: BaseException) -> Timeout:
    timeout = Timeout(handler.timeout(attempt.claim) or 0.0)
    timeout.__cause__ = None if isinstance(error, CancelledError) else error
    timeout.__traceback__ = error.__traceback__  # where it hung
    return timeout


def _snooze(attempt: Attempt, snooze: Snooze) -> Outcome:
    if snooze.reason is not None:
        attempt.emit("snooze", msgspec.json.encode({"delay": snooze.delay, "reason": snooze.reason}))
    return leases.Retry(lease=attempt.lease, delay=snooze.delay)
