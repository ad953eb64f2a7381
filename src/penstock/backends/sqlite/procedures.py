"""The operations as procedures of SQLite: a temporary view for the arguments, a trigger on it for the work.

`insert into penstock_do_complete values (...), (...)` carries out one move for each row, in order, without a step of
Python between them, and so without letting go of the interpreter. Being temporary, procedures belong to a connection
and never to the file: two versions of the library may share it. Knows no operation.
"""

import re
import sqlite3
from functools import cache
from typing import Final

from penstock.backends import scripts
from penstock.backends.sqlite import calls
from penstock.core.policy import POLICY

_NAME: Final = re.compile(r"\bpenstock_(\w+)")
ARGUMENT: Final = re.compile(r"(?<![:\w]):(\w+)")
ROUNDS: Final = 2_000  # how often a procedure may repeat another
_COUNT: Final = (
    "insert into penstock_counter "
    "with recursive c (i) as (select 1 union all select i + 1 from c where i < ?) select i from c"
)


def in_namespace(text: str, namespace: str) -> str:
    """The text with its tables and procedures named for the namespace. A table's name is one word."""
    return _NAME.sub(lambda name: f'"{namespace}_{name[1]}"', text)


@cache
def sources() -> dict[str, scripts.Script]:
    """All scripts, by name."""
    return scripts.load("penstock.backends.sqlite", "sql")


@cache
def arguments(name: str) -> tuple[str, ...]:
    """What the procedure is called with, in order."""
    found = sources()[name if name in sources() else f"_{name}"].args
    assert found is not None, f"{name}.sql names no arguments"
    return found


@cache
def definitions(namespace: str) -> tuple[str, ...]:
    """The statements that make a connection know the procedures."""
    scripts_ = list(sources().values())
    known = {script.name.lstrip("_"): script.args for script in scripts_ if script.args is not None}
    bodies = {script.name: calls.rewritten(script.text, known) for script in scripts_}
    inserts, updates = calls.called(list(bodies.values()))
    made = bodies["_temporary"].split(";\n")
    for script in scripts_:
        body, name = ARGUMENT.sub(r"new.\1", bodies[script.name]).rstrip(";") + ";", script.name.lstrip("_")
        if script.on is not None:
            made.append(f"create temp trigger penstock_on_{name} {script.on} begin\n{body}\nend")
        if script.args is not None and (name in inserts or name == script.name or name not in updates):
            made += _as_view(name, script.args, body)
        if script.args is not None and name in updates:
            made += _as_table(name, script.args, body)
    return tuple(in_namespace(statement, namespace) for statement in made)


def _as_view(name: str, args: tuple[str, ...], body: str) -> list[str]:
    """Called by an insert."""
    return [
        f"create temp view penstock_do_{name} ({', '.join(args)}) as select {', '.join('0' * len(args))}",
        f"create temp trigger penstock_do_{name}_so instead of insert on penstock_do_{name} begin\n{body}\nend",
    ]


def _as_table(name: str, args: tuple[str, ...], body: str) -> list[str]:
    """Called by an update of the one row, see `calls`."""
    columns, table = ", ".join(f'"{argument}"' for argument in args), f"penstock_call_{name}"
    return [
        f"create temp table {table} (one integer primary key, called, {columns})",
        f"insert into {table} (one) values (1)",  # noqa: S608 (a name of ours)
        f"create temp trigger {table}_so after update on {table} when new.called begin\n{body}\nend",
    ]


def define(connection: sqlite3.Connection, namespace: str) -> None:
    """Make the connection know the procedures of the namespace, all of them or none."""
    policy = [(a.value, b.value, effect.value) for a, row in POLICY.items() for b, effect in row.items()]
    connection.execute("savepoint penstock")
    try:
        for statement in definitions(namespace):
            connection.execute(statement)
        connection.executemany(in_namespace("insert into penstock_policy values (?, ?, ?)", namespace), policy)
        connection.execute(in_namespace(_COUNT, namespace), (ROUNDS,))
    except BaseException:
        connection.execute("rollback to penstock")
        raise
    finally:
        connection.execute("release penstock")
