"""The one seam through which time enters. Tests hand in a clock that they move by hand."""

import time
from collections.abc import Callable
from typing import Final, TypeAlias

Clock: TypeAlias = Callable[[], float]  # unix seconds

system_clock: Final[Clock] = time.time
