"""Files of environment variables: NAME=value lines, as shells and containers read them. Knows no setting."""

import re
from pathlib import Path
from typing import Final

from penstock.core.errors import Invalid

_LINE: Final = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*")
_QUOTED: Final = re.compile(r"""(["'])(.*)\1(?:\s+#.*)?""")


def read_env_file(path: Path) -> dict[str, str]:
    """The variables that the file names, in order. Empty lines and those that begin with # say nothing.

    Raises `Invalid` for a file that can't be read, and naming the first line that is none of these.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("env-file", str(path), f"it can't be read ({_reason(error)})") from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise Invalid("env-file", str(path), f"line {number} is not NAME=value")  # the line may hold a secret
        found[match[1]] = _value(match[2])
    return found


def _value(text: str) -> str:
    quoted = _QUOTED.fullmatch(text)
    return quoted[2] if quoted else re.split(r"\s+#", text, maxsplit=1)[0]


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "it is not UTF-8"
