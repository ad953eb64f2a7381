"""A file is one thought."""

from tests.architecture.source import PACKAGE, ROOT, committed

SOURCE_LINES = 400  # aim: 300
TEST_LINES = 600  # aim: 500
SQL_LINES = 120
SCHEMA_LINES = 400  # a list of what there is, read by looking up
KILOBYTES = 500


def longer_than(limit: int, suffix: str, *, below: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: {lines} lines"
        for path in committed()
        if path.suffix == suffix and path.is_relative_to(ROOT / below)
        if (lines := len(path.read_bytes().splitlines())) > limit
    ]


def test_no_module_is_longer_than_one_thought() -> None:
    assert longer_than(SOURCE_LINES, ".py", below="src") == []


def test_no_test_is_longer_than_can_be_read() -> None:
    assert longer_than(TEST_LINES, ".py", below="tests") == []


def test_no_program_beside_the_package_is_longer_than_one_thought() -> None:
    assert [
        found for folder in ("tools", "benches", "examples") for found in longer_than(400, ".py", below=folder)
    ] == []


def test_no_script_is_longer_than_one_move() -> None:
    long = longer_than(SQL_LINES, ".sql", below="src")
    assert [found for found in long if "/schema/" not in found] == []
    assert longer_than(SCHEMA_LINES, ".sql", below="src") == []


def test_no_large_file_is_committed() -> None:
    large = [path for path in committed() if path.stat().st_size > KILOBYTES * 1024]
    assert large == []


def test_contributing_stays_readable() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) <= 80


def test_the_package_is_marked_as_typed() -> None:
    assert (PACKAGE / "py.typed").exists()
