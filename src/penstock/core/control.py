"""What a handler raises to say what shall happen to its own run: never again, later, not now.

Told apart from errors by their class alone; they know nothing of runs.
"""
# ruff: noqa: N818 (these are instructions, not errors)

from penstock.core.duration import Duration, seconds
from penstock.core.errors import PenstockError


class Control(PenstockError):
    """Base of the three. Carries what the run's log shall say."""

    reason: str | None


class Never(Control):
    """Raised: the run fails now, without further attempts, for this reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RetryIn(Control):
    """Raised: the attempt has failed; the next one, if any is left, starts after exactly this delay."""

    def __init__(self, delay: Duration, reason: str | None = None) -> None:
        self.delay = seconds(delay, "delay")
        super().__init__(reason or f"try again in {self.delay:g} s")
        self.reason = reason


class Snooze(Control):
    """Raised or returned: nothing has failed, no attempt is used; the run is due again after the delay."""

    def __init__(self, delay: Duration, reason: str | None = None) -> None:
        self.delay = seconds(delay, "delay")
        super().__init__(reason or f"snoozed for {self.delay:g} s")
        self.reason = reason
