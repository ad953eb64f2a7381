"""What is wrong with the file: counters against what they count, places against states, pages. Repairs nothing."""

import sqlite3

from penstock.backends.sqlite.procedures import in_namespace, sources


def audit(connection: sqlite3.Connection, namespace: str, now: int) -> list[str]:
    """One sentence for each thing that is wrong."""
    found: list[str] = []
    for script in ("check", "_audit_limits", "_audit_turns", "_audit_beside"):
        for statement in in_namespace(sources()[script].text, namespace).split(";\n"):
            found += [row[0] for row in connection.execute(statement, {"now": now})]
    pages = [row[0] for row in connection.execute("pragma quick_check(20)")]
    return found + [f"the file itself: {line}" for line in pages if line != "ok"]
