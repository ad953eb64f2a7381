"""The server does what its OpenAPI document says, whatever it is sent: asked by schemathesis, over real connections."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock import App
from tests.web.house import API, PATIENCE, ROOT, House

SEED = os.environ.get("SEED", "1")
EXAMPLES = os.environ.get("EXAMPLES", "5")  # for each address
TOKEN = "a-token-of-enough-characters"
# what a task's schema or the state of the store refuses is valid by the document
CHECKS = "positive_data_acceptance"
WAITING = ("stream_run", "await_result")  # they wait as long as runs do: asked about runs that are not there


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    secret = "a secret of enough characters"
    found = House(tmp_path, PENSTOCK_WEB_TOKEN=TOKEN, PENSTOCK_SECRET=secret, PENSTOCK_DISPATCH_SECRET=secret)
    found.headers = {"authorization": f"Bearer {TOKEN}"}
    yield found
    found.close()


def explore(house: House, *options: str) -> None:
    """Raises unless all answers are as the document says."""
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.web.schemathesis_hooks", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [
            Path(sys.executable).parent / "schemathesis",
            "run",
            f"http://127.0.0.1:{house.port}{API}/openapi.json",
            f"--header=Authorization: Bearer {TOKEN}",
            f"--exclude-checks={CHECKS}",
            "--generation-database=none",
            "--no-color",
            *options,
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE * int(EXAMPLES),
        cwd=house.folder,
        env=environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_little_of_all_is_answered_as_described(house: House) -> None:
    """The same few requests each time; `make fuzz` and the tests below ask more."""
    house.serve()
    left_out = [f"--exclude-operation-id={name}" for name in WAITING]
    explore(house, "--phases=fuzzing", "--max-examples=2", f"--seed={SEED}", *left_out)
    assert house.ask("GET", "/health")[0] == 200


@pytest.mark.slow
def test_whatever_is_sent_is_answered_as_described(house: House) -> None:
    """Nothing that is sent makes an error of the server's, or an answer that is not described."""
    house.serve()
    left_out = [f"--exclude-operation-id={name}" for name in WAITING]
    explore(house, "--phases=coverage,fuzzing,stateful", f"--max-examples={EXAMPLES}", f"--seed={SEED}", *left_out)
    assert house.ask("GET", "/health")[0] == 200
    assert asyncio.run(problems(house.url)) == []


@pytest.mark.slow
def test_what_waits_for_runs_answers_as_described_where_there_are_none(house: House) -> None:
    house.serve()
    explore(
        house,
        "--phases=coverage,fuzzing",
        "--max-examples=20",
        f"--seed={SEED}",
        *(f"--include-operation-id={n}" for n in WAITING),
    )


async def problems(url: str) -> list[str]:
    async with App(url) as app:
        return await app.check()
