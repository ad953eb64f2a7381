"""What a waiting run waits for: thresholds that only grow, so no order of events loses a wake-up."""

from collections.abc import Mapping

import msgspec


class Wake(msgspec.Struct, frozen=True, kw_only=True):
    """Ready when any part holds; checked when suspending and again whenever something happens.

    `of` names calls of this run: each entry is (ids, n), and holds when n of these have finished or one of them ended
    badly. An id that is no child of the run counts as ended badly, so that nobody waits for what can't come.
    """

    at: float | None = None  # this moment of the store's clock has come
    delay: float | None = None  # the same, seconds from now; the store turns it into `at`
    idle: bool = False  # no dependency is pending
    finishes: int | None = None  # this many children have finished, ever
    of: tuple[tuple[tuple[str, ...], int], ...] = ()
    early: int | None = None  # this many times a dependency asked the run to go on at once
    signals: Mapping[str, int] = {}  # by name: this many have arrived, ever
