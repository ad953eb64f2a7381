"""Every operation has its script, every part its use, every argument its name; no command reads what may be large."""

import re

import pytest

from penstock.backends.redis.link import Link
from penstock.backends.redis.scripts import SHARED, arguments, defined, fields, header, parts, script, sources
from penstock.core.policy import POLICY, Effect
from penstock.core.state import State
from penstock.ports.store import Callers, Control, Leases, Upkeep, Views

# `turn` is two scripts in one write; some scripts are the other way of an operation, one makes the namespace.
MADE_OF_OTHERS = {"turn", "children_of"}
WAYS = {f"{name}_any" for name in ("enqueue", "claim", "settle", "get", "watch", "extend", "extend_claim")}
BESIDE = WAYS | {"open", "sweep"}

# Commands that read, or write, as much as a key holds, or more than one key of who knows whose.
WHOLE = re.compile(
    r"'(KEYS|SCAN|SMEMBERS|HGETALL|HKEYS|HVALS|FLUSHDB|FLUSHALL|EVAL|SORT|DEL|SINTER\w*|SUNION\w*)'"
    r"|'(?:LRANGE|ZRANGE)', [^)]*?, 0, -1\)"
)
# ... and where that is right: what is asked for is all of it, or it stays small.
MAY = {
    "check": 5,  # an audit; of a large store in pages
    "counts": 1,  # seven numbers for each queue
    "definitions": 1,  # one for each task of each application
    "find": 4,  # queues and terms; running runs, of which there are as many as workers have slots
    "paused": 2,
    "rollups": 1,  # the tasks of one minute
    "schedules": 1,
    "signals": 1,  # all messages of one run, by contract
    "steps": 1,  # all records of one run, by contract
    "workers": 1,
    "_steps": 2,  # steps and messages of one run that begins anew, or is forked
}

KEYWORDS = set(
    re.findall(
        r"\w+",
        """
    and break do else elseif end false for function if in local nil not or repeat return then true until while""",
    )
)
LANGUAGE = set(
    re.findall(
        r"\w+",
        """
    ARGV KEYS cmsgpack ipairs math next pairs pcall redis setmetatable string struct table tonumber tostring type
    unpack""",
    )
)


def operations() -> set[str]:
    """The methods of the contract."""
    protocols = (Callers, Leases, Upkeep, Control, Views)
    return {name for one in protocols for name in vars(one) if not name.startswith("_")}


def scripts() -> list[str]:
    return [name for name in sources() if not name.startswith("_")]


def test_each_operation_has_a_script_of_its_name() -> None:
    assert set(scripts()) == (operations() - MADE_OF_OTHERS) | BESIDE


def test_each_part_is_there_and_used() -> None:
    used = {part for name in scripts() for part in parts(name)}
    assert used == {name for name in sources() if name.startswith("_")}


def test_no_two_parts_define_the_same() -> None:
    found = [name for part in sources() if part.startswith("_") for name in defined(part)]
    assert sorted(found) == sorted(set(found))


@pytest.mark.parametrize("name", list(sources()))
def test_names_are_those_of_the_file_or_of_what_stands_before_it(name: str) -> None:
    """A part is a function: what it calls its own is seen by no other. Unknown names are errors only when met."""
    before = (*SHARED, *parts(name)) if name.startswith("_") else parts(name)
    known = LANGUAGE.union(*(own_names(one) for one in (name, *before) if one == name or one in SHARED))
    words = re.findall(r"(?<![\w.:])[A-Za-z_]\w*(?!\w|\s*=[^=])", plain_text(name))
    assert set(words) - known - KEYWORDS <= ({"otherwise"} if header(name, "otherwise") else set())


def plain_text(name: str) -> str:
    """Without comments and texts."""
    return re.sub(r"--.*|'(?:\\.|[^'\\])*'|\"[^\"]*\"", " ", sources()[name])


def own_names(name: str) -> set[str]:
    """Whatever is local anywhere in the file."""
    text = plain_text(name)
    lists = re.findall(
        r"\blocal (?!function)([\w, ]+)|\bfor ([\w, ]+?)(?: in\b|\s*=)|\bfunction[^(\n]*\(([\w, ]*)", text
    )
    return {word for one in lists for names in one for word in re.findall(r"\w+", names)} | set(
        re.findall(r"\blocal function (\w+)", text)
    )


@pytest.mark.parametrize("name", [name for name in scripts() if header(name, "args") is not None])
def test_arguments_are_those_of_the_header(name: str) -> None:
    read = set(re.findall(r"\bA(?:\.(\w+)|\['(\w+)'\])", sources()[name]))
    assert {one or other for one, other in read} <= set(arguments(name))
    whole = "".join(sources()[part] for part in (*parts(name), name))
    for argument in arguments(name):
        assert re.search(rf"\bA\.{argument}\b|A\['{argument}'\]|request\.{argument}\b", whole), argument


@pytest.mark.parametrize("name", list(sources()))
def test_no_command_reads_what_may_be_large(name: str) -> None:
    assert len(WHOLE.findall(sources()[name])) <= MAY.get(name, 0)


@pytest.mark.parametrize("name", list(sources()))
def test_only_a_few_places_write(name: str) -> None:
    """Everything else asks the parts for it, which read first: an error leaves nothing half done."""
    writes = re.findall(
        r"call\('(SET|MSET|HSET|ZADD|ZREM|RPUSH|LTRIM|UNLINK|INCRBY|HINCRBY|HDEL|PUBLISH)'", sources()[name]
    )
    assert not writes or name in {"_commit", "open"} | {one.removesuffix("_any") for one in WAYS}


@pytest.mark.parametrize("name", scripts())
async def test_each_script_compiles(link: Link, name: str) -> None:
    """On the oldest version, too."""
    assert await link.command("SCRIPT", "LOAD", script(name).text) == script(name).sha.encode()


def test_no_field_has_two_numbers() -> None:
    assert len(set(fields())) == len(fields())


def test_the_table_of_policies_is_the_one_in_the_core() -> None:
    text = sources()["_policy"]
    rows = {
        name: dict(re.findall(r"(\w+) = '(\w+)'", body))
        for name, body in re.findall(r"^local ([A-Z]+) = \{ (waiting = .*?) \}", text, re.MULTILINE)
    }
    table = re.search(r"^local POLICY = \{ (.*?) \}", text, re.MULTILINE)
    assert table is not None
    written = {policy: rows[name] for policy, name in re.findall(r"(\w+) = (\w+)", table[1])}
    words = {Effect.DOOM: "fail"}  # who runs is asked to end, as by a cancel
    for policy, row in POLICY.items():
        expected = {
            str(parent): str(words.get(effect, effect)) for parent, effect in row.items() if parent != "finished"
        }
        assert written[policy] == expected
        assert row.get(next(parent for parent in row if parent == "finished")) is Effect.NOTHING


def test_states_have_letters() -> None:
    found = re.search(r"^M.WORDS = \{(.*?)\}", sources()["_rows"], re.MULTILINE)
    assert found is not None
    assert set(re.findall(r"'(\w+)'", found[1])) == {str(state) for state in State}
