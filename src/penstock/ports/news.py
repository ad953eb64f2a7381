"""Rings that bring along what has happened. Not every store has them: elsewhere, whoever was rung asks."""

from typing import Protocol

from penstock.core.run import Run


class Bringing(Protocol):
    """What a listener adds for the ends of runs."""

    def brought(self) -> Run | None:
        """A run that it listens for, as its end has left it, if the last ring or look brought it. Given once."""
        ...
