"""The example of moderation, as three processes that share a file."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import EXAMPLES, ROOT
from tests.docs.test_examples import expected

HOME = EXAMPLES / "moderation"


def test_a_worker_a_client_and_a_reconciler_share_a_store(tmp_path: Path) -> None:
    """S0-03, S0-48, S0-60, S0-64: start nodes, an initial context, branches, several readers, a final result."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
    environment = {**given, "PYTHONPATH": str(ROOT / "src"), "PENSTOCK_URL": f"sqlite:///{tmp_path}/moderation.db"}

    def said(program: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error", str(HOME / program)],
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
            env=environment,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    worker = subprocess.Popen([sys.executable, str(HOME / "worker.py")], env=environment)
    try:
        assert said("client.py") == expected(HOME / "client.py")
        assert said("client.py") == expected(HOME / "client.py")  # the same runs again, by their keys
    finally:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0
    assert said("reconcile.py") == expected(HOME / "reconcile.py")
