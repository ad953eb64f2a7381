"""A clock that stands until it is moved."""


class FakeClock:
    """Seconds since the epoch, as a store asks for them. Tests move it; nothing sleeps."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
