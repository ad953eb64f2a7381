"""The public names: all there, all documented, quickly at hand, and deaf to nonsense."""

import ast
import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

import penstock
from penstock import App, PenstockError, Run, Task
from penstock.app.histories import History
from penstock.app.selection import Selected
from penstock.app.tickets import Tickets

STUB = Path(penstock.__file__).with_suffix(".pyi")
NONSENSE: Any = object()


def test_the_stub_says_where_each_name_is() -> None:
    tree = ast.parse(STUB.read_text(encoding="utf-8"))
    said = {alias.name: node.module for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    (listed,) = [ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign)]
    homes = {name: home for home, names in penstock._HOMES.items() for name in names}  # type: ignore[attr-defined]
    assert said == {**homes, "sync": "penstock", "testing": "penstock"}
    assert sorted(listed) == sorted(penstock.__all__) == sorted(said)


def test_each_name_is_there_and_says_what_it_is() -> None:
    assert [name for name in penstock.__all__ if not inspect.getdoc(getattr(penstock, name))] == []
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = penstock.Nothing  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", [App, Run, Task], ids=lambda kind: kind.__name__)
def test_each_public_method_says_what_is_true_afterwards(kind: type[Any]) -> None:
    silent = [
        name
        for name, member in inspect.getmembers(kind)
        if not name.startswith("_") and callable(member) and not inspect.getdoc(member)
    ]
    assert silent == []


def test_importing_loads_nothing_heavy() -> None:
    program = "import sys, penstock; print(sorted(m for m in sys.modules if m.split('.')[0] in {'asyncio', 'msgspec'}))"
    said = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    assert said.stdout.strip() == "[]"


def required(function: Callable[..., Any]) -> list[str]:
    """The parameters without which the call is none."""
    return [
        one.name
        for one in inspect.signature(function).parameters.values()
        if one.default is one.empty and one.kind in {one.KEYWORD_ONLY, one.POSITIONAL_OR_KEYWORD}
    ]


def optional(function: Callable[..., Any]) -> list[str]:
    """The parameters that may be named, each to be tried by itself."""
    found = inspect.signature(function).parameters
    named = [one.name for one in found.values() if one.kind in {one.KEYWORD_ONLY, one.POSITIONAL_OR_KEYWORD}]
    return [*named, *(Selected.__annotations__ if "selected" in found else ())]


def verbs(it: object) -> list[Callable[..., Any]]:
    """The public async methods of an object that take arguments."""
    found = [member for name, member in inspect.getmembers(type(it), inspect.iscoroutinefunction) if name[0] != "_"]
    return [member.__get__(it) for member in found]


SECRET = "a secret of enough characters"
FITTING: dict[str, Any] = {
    "run_id": "x",
    "queue": "q",
    "older_than": 0,
    "state": "failed",
    "priority": 0,
    "calls": [],
    "signal": "s",
    "token": "eC94eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg",
    "reason": "r",
    "flow": [],
    "blueprint": {"id": "g", "nodes": [{"id": "a", "uses": "task"}]},
    "child": "y",
    "history": History(
        id="x",
        task="task",
        version="",
        state=penstock.State.RUNNING,
        history=0,
        enqueued_at=0.0,
        started_at=None,
        input={},
        steps=(),
        signals=(),
    ),
    "ticket": Tickets(SECRET).make("x", "s", 3600)[0],
}
FREE = {
    "told",
    "cascade",
    "terminate",
    "children",
    "allow_block",
    "delayed",
    "unchecked",
    "force",
    "dry_run",
}  # taken for their truth


async def test_no_public_call_takes_nonsense_for_an_argument(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each parameter in turn: a typed error that names it, and nothing stored or changed."""
    monkeypatch.setenv("PENSTOCK_SECRET", SECRET)

    @app.task
    async def task(n: int) -> None: ...

    run = await task.opts(delay="1h").enqueue(1)
    before = (await app.runs()).items
    swallowed: list[str] = []
    for verb in [*verbs(app), *verbs(run)]:
        for name in optional(verb):
            if name in FREE:
                continue
            given = {one: FITTING[one] for one in required(verb) if one != name}
            try:
                await verb(**{**given, name: NONSENSE})
            except PenstockError as error:
                if getattr(error, "parameter", name) != name and name not in str(error):
                    swallowed.append(f"{verb.__qualname__}({name}=) says {error}")
            else:
                swallowed.append(f"{verb.__qualname__}({name}=)")
    assert swallowed == []
    assert (await app.runs()).items == before


def register(function: Any) -> None:
    App("memory://").task(function)


@pytest.mark.parametrize(
    "call",
    [
        lambda: App(NONSENSE),
        lambda: App("memory://", name=NONSENSE),
        lambda: penstock.options(queue=NONSENSE),
        lambda: penstock.Retry(NONSENSE),
        lambda: penstock.RetryIn(NONSENSE),
        lambda: penstock.Snooze(NONSENSE),
        lambda: App("memory://").run(NONSENSE),
        lambda: App("memory://").named(NONSENSE),
        lambda: App("memory://").call(NONSENSE),
        lambda: App("memory://").on(NONSENSE, print),
        lambda: App("memory://").worker(queues=NONSENSE),
        lambda: App("memory://").testing(concurrency=NONSENSE),
        lambda: App("memory://").override(NONSENSE, NONSENSE),
        lambda: register(NONSENSE),
        lambda: penstock.Signal(NONSENSE, int),
        lambda: cast("Any", App("memory://")).step(NONSENSE),
        lambda: cast("Any", App("memory://")).workflow(NONSENSE),
    ],
)
def test_no_public_constructor_takes_nonsense(call: Callable[[], object]) -> None:
    with pytest.raises(penstock.Invalid):
        call()
