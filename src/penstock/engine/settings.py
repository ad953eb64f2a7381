"""What may be said about a worker, checked once where it is said."""

from dataclasses import dataclass, field
from typing import Final

from penstock.core.errors import Invalid
from penstock.core.names import check_name
from penstock.core.requests import Guard

MOST: Final = 10_000  # slots of one worker


def check_concurrency(value: object, parameter: str = "concurrency") -> int:
    """The value, if it is a whole number from 1 to 10 000. Raises `Invalid` if not."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST:
        raise Invalid(parameter, value, f"a worker has 1 to {MOST:,} slots")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The options of a worker; durations in seconds. Raises `Invalid` for what is out of range."""

    name: str = "worker"  # the beginning of its identity, for people
    app: str = ""
    queues: tuple[str, ...] = ()  # served in this order; none: those of its tasks
    fair_queues: bool = False  # serve them in turns instead
    concurrency: int = 10
    lease: float = 30.0
    grace: float = 25.0  # how long a stopping worker lets its runs go on
    burst: bool = False  # stop when nothing is left to do
    upkeep: bool = True  # promote, rescue, expire for all, now and then
    prefetch: bool = True  # claim quick runs a few milliseconds ahead
    stall_limit: float | None = None  # a loop blocked for longer keeps no lease; None: 10 leases
    child_runs: int = 1000  # after so many runs a child process is replaced
    child_memory: int | None = None  # and above so many bytes at its peak
    heartbeat_thread: bool = field(default=True, repr=False)  # False: on the worker's own loop, for tests of time

    def __post_init__(self) -> None:
        check_name(self.name, "name")
        for queue in self.queues:
            check_name(queue, "queues")
        check_concurrency(self.concurrency)
        _check_seconds("lease", self.lease, 1.0, 86_400.0)
        _check_seconds("grace", self.grace, 0.0, 86_400.0)
        _check_seconds("stall_limit", self.stalled_after, self.lease, 100 * 86_400.0)
        if self.child_runs < 1:
            raise Invalid("child_runs", self.child_runs, "a child process carries out at least 1 run")
        if self.child_memory is not None and self.child_memory < 1:
            raise Invalid("child_memory", self.child_memory, "say bytes, or None for no bound")

    @property
    def stalled_after(self) -> float:
        """Seconds without a turn of the worker's loop after which its leases are left to expire."""
        return 10 * self.lease if self.stall_limit is None else self.stall_limit

    @property
    def guard(self) -> Guard:
        """After an outage of the store live workers get a lease's time before anything is taken from them."""
        return Guard(gap=max(self.lease / 2, 7.5), hold=self.lease)


def _check_seconds(parameter: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise Invalid(parameter, value, f"say {least:g} to {most:g} seconds")
