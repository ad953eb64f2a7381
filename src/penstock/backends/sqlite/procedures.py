"""The operations as procedures of SQLite: a temporary view for the arguments, a trigger on it for the work.

`insert into penstock_do_complete values (...), (...)` carries out one move for each row, in order, without a step of
Python between them, and so without letting go of the interpreter. Being temporary, procedures belong to a connection
and never to the file: two versions of the library may share it. Knows no operation.
"""

import re
import sqlite3
from collections.abc import Iterator
from functools import cache
from typing import Final

from penstock.backends import scripts
from penstock.core.policy import POLICY

_NAME: Final = re.compile(r"\bpenstock_(\w+)")
ARGUMENT: Final = re.compile(r"(?<![:\w]):(\w+)")
ROUNDS: Final = 2_000  # how often a procedure may repeat another


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


def definitions(namespace: str) -> Iterator[str]:
    """The statements that make a connection know the procedures."""
    for statement in sources()["_temporary"].text.split(";\n"):
        yield in_namespace(statement, namespace)
    for script in sources().values():
        if script.on is not None:
            body = f"create temp trigger penstock_on{script.name} {script.on} begin\n{script.text}\nend"
            yield in_namespace(body, namespace)
        elif script.args is not None:
            view = f"penstock_do_{script.name.lstrip('_')}"
            yield in_namespace(
                f"create temp view {view} ({', '.join(script.args)}) as select {', '.join('0' * len(script.args))}",
                namespace,
            )
            body = ARGUMENT.sub(r"new.\1", script.text)
            yield in_namespace(
                f"create temp trigger {view}_so instead of insert on {view} begin\n{body}\nend", namespace
            )


def define(connection: sqlite3.Connection, namespace: str) -> None:
    """Make the connection know the procedures of the namespace."""
    for statement in definitions(namespace):
        connection.execute(statement)
    policy = ", ".join(
        f"('{if_fails}', '{parent}', '{effect}')" for if_fails, row in POLICY.items() for parent, effect in row.items()
    )
    connection.execute(in_namespace(f"insert into penstock_policy values {policy}", namespace))  # noqa: S608 (ours)
    connection.execute(
        in_namespace(
            "insert into penstock_counter with recursive c (i) as (select 1 union all select i + 1 from c where i < ?) "
            "select i from c",
            namespace,
        ),
        (ROUNDS,),
    )
