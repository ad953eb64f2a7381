"""A Lua script as the link sends it: its text, and the name by which the server remembers it. Knows no operation."""

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Script:
    """One script. `sha`: what EVALSHA calls it."""

    name: str
    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()  # as Redis computes it
        object.__setattr__(self, "sha", digest)
