"""compose.yaml is what the Compose specification allows, and is set up as Penstock asks servers to be.

No engine runs it here: that the containers start is not shown.
"""

import subprocess
import sys
from typing import Any, cast

from ruamel.yaml import YAML

from tests.architecture.source import ROOT

FILE = ROOT / "compose.yaml"
COMPOSE = cast("dict[str, Any]", cast("Any", YAML(typ="safe")).load(FILE))


def test_it_fits_the_schema_of_the_compose_specification() -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_service_is_local_lasting_and_says_how_it_is() -> None:
    for service in COMPOSE["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        named = {volume.partition(":")[0] for volume in service["volumes"]}
        assert named <= set(COMPOSE["volumes"])
        assert service["healthcheck"]["test"][0] == "CMD"


def test_redis_keeps_what_it_has_and_evicts_nothing() -> None:
    command = COMPOSE["services"]["redis"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert (options["--appendonly"], options["--maxmemory-policy"]) == ("yes", "noeviction")
    assert COMPOSE["services"]["redis"]["volumes"] == ["redis:/data"]  # where the image keeps it
