"""How one procedure calls another: the SQL that is written, and the SQL that SQLite carries out quickly.

`insert into penstock_do_x values (...)` always calls, `... select ... where ...` calls if the condition holds,
`... select ... from ... limit 1` with the row, if there is one, `... select ... from ...` once for each row. For an
INSERT from a SELECT SQLite builds a table, even where nothing comes of it, which costs more than most procedures; so
the two in the middle become an update of a table of one row, whose trigger is the same procedure. Knows no operation.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

_CALL: Final = re.compile(r"insert into penstock_do_(\w+)\s+select\s+(.*)", re.DOTALL)
_CALLED: Final = re.compile(r"(insert into penstock_do_|update penstock_call_)(\w+)")
_COLUMN: Final = re.compile(r"\b[a-z]\w*\.\w")
_FIRST: Final = re.compile(r"(:\w+(?: is not null)?) and ")  # a condition of the caller alone, before all others
_WORD: Final = re.compile(r"[\w']+|.", re.DOTALL)


def rewritten(body: str, arguments: Mapping[str, Sequence[str]]) -> str:
    """The statements with those calls written otherwise. `arguments`: of every procedure."""
    return ";\n".join(_statement(statement, arguments) for statement in body.split(";\n"))


def called(texts: Sequence[str]) -> tuple[set[str], set[str]]:
    """The procedures that these texts call by an insert, and by an update."""
    found = [match for text in texts for match in _CALLED.findall(text)]
    inserts, updates = ({name for how, name in found if how.startswith(kind)} for kind in ("insert", "update"))
    return inserts, updates


def _statement(statement: str, arguments: Mapping[str, Sequence[str]]) -> str:
    call = _CALL.fullmatch(statement.rstrip("; \n"))
    if call is None:
        return statement
    name, rest = call[1], call[2]
    parts = dict(_clauses(rest))
    update, names = f"update penstock_call_{name} set", [f'"{argument}"' for argument in arguments[name]]
    values = _items(parts["select"])
    told = ", ".join(f"{argument} = {value}" for argument, value in zip(names, values, strict=True))
    if "from" not in parts:
        return f"{update} called = 1, {told} where one = 1 and ({parts.get('where', '1')})"
    if parts.get("limit") != "1":
        return statement
    if not any(map(_COLUMN.search, values)):
        found = rest[rest.index("from", len(parts["select"])) :]
        return f"{update} called = 1, {told} where one = 1 and exists (select 1 {found})"
    first = _FIRST.match(parts.get("where", ""))
    return f"{update} (called, {', '.join(names)}) = (select 1, {rest}) where one = 1 and {first[1] if first else 1}"


def _clauses(text: str) -> Iterator[tuple[str, str]]:
    """The clauses of a SELECT after that word, by their first word; brackets belong to the one around them."""
    clause, start, depth, at, previous = "select", 0, 0, 0, " "
    for word in _WORD.findall(text):
        depth += (word == "(") - (word == ")")
        if depth == 0 and word in {"from", "where", "order", "group", "limit", "union"} and previous.isspace():
            yield clause, text[start:at].strip()
            clause, start = word, at + len(word)
        at += len(word)
        previous = word
    yield clause, text[start:].strip()


def _items(text: str) -> list[str]:
    """The parts between commas, those in brackets left whole."""
    items, depth, inside = [""], 0, False
    for character in text:
        inside ^= character == "'"
        depth += 0 if inside else (character == "(") - (character == ")")
        if character == "," and depth == 0 and not inside:
            items.append("")
        else:
            items[-1] += character
    return [item.strip() for item in items]
