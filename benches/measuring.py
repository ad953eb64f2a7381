"""One measurement of one contender: a process of its own in a fresh folder, with a fresh server where it needs one."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from benches.peers import Environment
from benches.server import Private

ROOT: Final = Path(__file__).parent.parent
TIMEOUT: Final = 600.0  # seconds for one measurement
SERVERS: Final = ("PENSTOCK_BENCH_REDIS", "PENSTOCK_BENCH_REDIS_EMPTY")  # the second is idle in all but one measure


class Measuring:
    """How a plan's contenders are run. `aof`: on private servers with such an append-only file; None: on no server."""

    def __init__(self, folder: Path, environments: Mapping[str, Environment], aof: str | None) -> None:
        self.environments = environments
        self._folder = folder
        self._aof = aof

    def measured(self, contender: str, program: str, name: str, count: int) -> dict[str, float]:
        """The figures. Raises `SubprocessError` for a process that fails or takes too long, and ends all it started."""
        shutil.rmtree(self._folder, ignore_errors=True)
        (self._folder / "work").mkdir(parents=True)
        environment = self.environments[contender]
        variables = os.environ | dict(environment.variables)
        with ExitStack() as servers:
            if self._aof is not None:
                for server in SERVERS[: 2 if name == "depth" else 1]:
                    private = Private(self._folder / server, self._aof)
                    variables[server] = servers.enter_context(private).url
            try:
                return self._run(
                    [*environment.command, program, name, str(self._folder / "work"), str(count)], variables
                )
            finally:
                servers.close()
                shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, command: list[str], variables: Mapping[str, str]) -> dict[str, float]:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            out, err = process.communicate(timeout=TIMEOUT)
        except BaseException:
            os.killpg(process.pid, 9)  # its workers, too
            process.wait()
            raise
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, process.args, out, err)
        found: dict[str, float] = json.loads(out.splitlines()[-1])
        return found
