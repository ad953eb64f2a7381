"""One generation of a worker that is being developed: a process that is gone before the next one is started."""

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

GONE_WITHIN: Final = 5.0  # seconds for a killed process to be gone


class Generation:
    """A `penstock worker` process. It ends with this one, however this one ends."""

    def __init__(self, options: Sequence[str]) -> None:
        pipe, self._alive = os.pipe()  # while we hold the other end, we live
        try:
            self._process = subprocess.Popen(  # noqa: S603 (ourselves, with what was typed in)
                [sys.executable, "-m", "penstock.cli", "worker", *options, "--until-eof", str(pipe)],
                pass_fds=[pipe],
                start_new_session=True,  # Ctrl-C is for us: we pass it on, once
            )
        finally:
            os.close(pipe)

    @property
    def over(self) -> int | None:
        """Its exit status, if it has ended by itself."""
        return self._process.poll()

    def ask(self) -> None:
        """Ask it to stop gently; asked again, at once."""
        if self.over is None:
            self._process.terminate()

    def end(self, patience: float) -> bool:
        """Return when it is gone; False if it had to be killed, after so many seconds. Its leases run out then."""
        gently = True
        try:
            self.ask()
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            gently = False
            self._process.kill()
            self._process.wait(GONE_WITHIN)
        finally:
            os.close(self._alive)
        return gently
