"""Every operation has its script, every script its use, and no statement walks through a whole table."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock.backends.scripts import load
from penstock.backends.sqlite import calls, connect, migrate, procedures
from penstock.core.policy import POLICY
from penstock.ports.store import Callers, Control, Leases, Upkeep, Views

# An operation whose script is of another name, or that is made of others.
MADE_OF_OTHERS = {"settle", "turn", "children_of"}
NARROWER = {"steps_at"}  # the same operation, asked for some only
OUTCOMES = {"complete", "retry", "fail", "release", "suspend", "restart"}
# Tables that stay small, or of which all is wanted; and what lives for one call.
SMALL = {"meta", "migration", "tick", "limit", "pause", "worker", "definition", "schedule", "mark", "claim", "side"}
WHOLE = {"check", "_audit_limits", "_audit_turns", "_audit_beside", "rollups", "counts", "limits"}


def operations() -> set[str]:
    """The methods of the contract."""
    protocols = (Callers, Leases, Upkeep, Control, Views)
    return {name for one in protocols for name in vars(one) if not name.startswith("_")}


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """One that knows the tables and procedures."""
    made = connect.connect(tmp_path / "store.db", fast=True, reads=False)
    migrate.migrate(made, "penstock", 0)
    procedures.define(made, "penstock")
    yield made
    made.close()


def test_each_operation_has_a_script_of_its_name() -> None:
    scripts = {name for name in procedures.sources() if not name.startswith("_")}
    assert scripts == (operations() - MADE_OF_OTHERS) | OUTCOMES | NARROWER


def test_no_fragment_is_left_over() -> None:
    scripts = procedures.sources()
    folder = Path(procedures.__file__).parent
    code = "".join(path.read_text() for path in [*folder.glob("*.py"), *folder.glob("sql/*.sql")])
    for name, script in scripts.items():
        if not name.startswith("_"):
            continue
        used = re.search(rf"penstock_do{name}\b|@include {name}\b|\"{name}\"|\"{name[1:]}\"", code)
        assert used or script.on is not None, name


def test_tables_have_names_of_one_word() -> None:
    """So no two namespaces take the same name."""
    for _, statements in migrate.migrations().values():
        for name in re.findall(r"create (?:unique )?(?:table|index) penstock_(\w+)", statements):
            assert "_" not in name


def test_the_table_of_policies_is_the_one_in_the_core(connection: sqlite3.Connection) -> None:
    rows = connection.execute("select if_fails, parent, effect from penstock_policy").fetchall()
    assert set(rows) == {(a, b, effect) for a, row in POLICY.items() for b, effect in row.items()}


def test_every_procedure_compiles(connection: sqlite3.Connection) -> None:
    made = {row[0] for row in connection.execute("select name from sqlite_temp_master where type <> 'trigger'")}
    for name, script in procedures.sources().items():
        if script.args is None:
            continue
        called = name.removeprefix("_")
        assert {f"penstock_do_{called}", f"penstock_call_{called}"} & made
        if f"penstock_do_{called}" in made:
            values = (None,) * len(script.args)
            connection.execute(
                f"explain insert into penstock_do_{called} values ({', '.join('?' * len(values))})", values
            )


def test_calls_from_a_select_become_updates() -> None:
    """Those of at most one row; a condition of the caller alone comes before all others."""
    arguments = {"x": ("a", "b")}
    written = {
        "insert into penstock_do_x values (1, 2)": None,
        "insert into penstock_do_x select r.n, 2 from penstock_run r where r.n > 3": None,
        "insert into penstock_do_x select :a, f(1, ',') where :b": (
            'update penstock_call_x set called = 1, "a" = :a, "b" = f(1, \',\') where one = 1 and (:b)'
        ),
        "insert into penstock_do_x select :a, :b from penstock_run r where r.n = :a limit 1": (
            'update penstock_call_x set called = 1, "a" = :a, "b" = :b '
            "where one = 1 and exists (select 1 from penstock_run r where r.n = :a limit 1)"
        ),
        "insert into penstock_do_x select r.n, :b from penstock_run r where :b and r.n = :a limit 1": (
            'update penstock_call_x set (called, "a", "b") = '
            "(select 1, r.n, :b from penstock_run r where :b and r.n = :a limit 1) where one = 1 and :b"
        ),
    }
    for statement, expected in written.items():
        assert calls.rewritten(statement, arguments) == (expected or statement)


def statements() -> Iterator[tuple[str, str]]:
    """Every statement of every script, alone, with the script's name."""
    known = {name.removeprefix("_"): script.args for name, script in procedures.sources().items() if script.args}
    for name, script in procedures.sources().items():
        fragment = script.args is None and script.each is None and script.on is None
        if name == "_temporary" or (fragment and not script.text.startswith(("select", "with"))):
            continue
        text = re.sub(r"\b(?:new|old)\.\w+|(?<![:\w]):\w+", "?", calls.rewritten(script.text, known))
        for statement in text.split(";\n"):
            yield name, statement.strip().rstrip(";").replace("raise(ignore)", "1")


def test_no_statement_walks_through_a_table_that_grows(connection: sqlite3.Connection) -> None:
    temporary = {row[0] for row in connection.execute("select name from sqlite_temp_master where type = 'table'")}
    found: list[str] = []
    for name, statement in statements():
        if name in WHOLE:
            continue
        aliases = dict(re.findall(r"\b(?:from|join|,|update|into)\s+penstock_(\w+) (\w+)\b", statement))
        tables = {alias: table for table, alias in aliases.items()}
        plan = connection.execute(f"explain query plan {statement}", (None,) * statement.count("?")).fetchall()
        for row in plan:
            scanned = re.match(r"SCAN (\w+)(?! VIRTUAL)", row[3])
            if scanned is None:
                continue
            table = tables.get(scanned[1], scanned[1].removeprefix("penstock_"))
            of_ours = connection.execute(
                "select 1 from sqlite_master where name = ?", (f"penstock_{table}",)
            ).fetchone()
            if of_ours and f"penstock_{table}" not in temporary and table not in SMALL:
                found.append(f"{name}: {row[3]}: {statement}")
    assert found == []


def test_a_fragment_stands_where_it_is_named() -> None:
    scripts = load("penstock.backends.sqlite", "sql")
    assert "@include" not in "".join(script.text for script in scripts.values())
    assert scripts["_verdict"].text in scripts["_look_next"].text
