"""What the crash tests share: the seed of their choices, named by every failure, and a way to say what happened."""

import os
import random
from collections.abc import Callable
from typing import TypeAlias

import pytest

Tell: TypeAlias = Callable[[str], None]


@pytest.fixture
def seed() -> int:
    """CRASH_SEED, or a new one."""
    return int(os.environ.get("CRASH_SEED") or random.SystemRandom().randrange(1 << 30))


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Tell:
    """Print, whether the test fails or not."""

    def say(text: str) -> None:
        with capsys.disabled():
            print(text)  # noqa: T201 (counts and bounds are what these tests are run for)

    return say
