"""Files of environment variables."""

from pathlib import Path

import pytest

from penstock.cli.env_file import read_env_file
from penstock.core.errors import Invalid
from tests.cli.conftest import Line


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("# a comment\n\n  \nA=1\n", {"A": "1"}),
        ("export A = b c \n", {"A": "b c"}),
        ("A=\nB=x=y\n", {"A": "", "B": "x=y"}),
        ("A='x # y'\nB=\"z\" # comment\nC=u#v # w\n", {"A": "x # y", "B": "z", "C": "u#v"}),
        ("A=1\nA=2\n", {"A": "2"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
    ],
)
def test_variables_are_read_as_shells_read_them(tmp_path: Path, text: str, found: dict[str, str]) -> None:
    file = tmp_path / ".env"
    file.write_text(text, encoding="utf-8", newline="")
    assert read_env_file(file) == found


def test_a_line_that_is_none_is_named_by_its_number_only(tmp_path: Path) -> None:
    """It may hold a secret."""
    file = tmp_path / ".env"
    file.write_text("A=1\nhunter2\n", encoding="utf-8")
    with pytest.raises(Invalid, match="line 2") as refused:
        read_env_file(file)
    assert "hunter2" not in str(refused.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, line: Line) -> None:
    (tmp_path / "latin").write_bytes(b"A=\xe9")
    for name in ("missing", "latin", "."):
        with pytest.raises(Invalid, match="can't be read"):
            read_env_file(tmp_path / name)
    told = line("runs", "list", "--env-file", str(tmp_path / "missing"))
    assert told.status == 2
    assert "No such file" in told.err
