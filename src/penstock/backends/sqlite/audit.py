"""What is wrong with the file: counters against what they count, indexes against rows. Repairs nothing."""

import sqlite3

from penstock.backends.sqlite.procedures import in_namespace, sources


def audit(connection: sqlite3.Connection, namespace: str, now: int) -> list[str]:
    """One sentence for each thing that is wrong."""
    text = in_namespace(sources()["check"].text, namespace)
    return [row[0] for row in connection.execute(text, {"now": now})]
