"""Options: said in layers, checked where they are said, and nothing stored when one is refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from penstock import App, Invalid, Keep, Options, Retry, options
from penstock.core.run import Run


async def stored(app: App, run_id: str) -> Run:
    (run,) = await (await app._client.store()).get([run_id])
    assert run is not None
    return run


def at_once(attempt: int, error: BaseException) -> float:
    return 0.0


@pytest.mark.parametrize(
    "named",
    [
        {"queue": ""},
        {"queue": "a:b"},
        {"queue": 7},
        {"priority": 1001},
        {"priority": 1.5},
        {"priority": True},
        {"priority": "3"},
        {"delay": -1},
        {"delay": "10x"},
        {"delay": float("nan")},
        {"delay": None},
        {"delay": True},
        {"at": datetime(2026, 1, 1)},  # noqa: DTZ001 (without a zone: that is the point)
        {"at": "tomorrow"},
        {"delay": 1, "at": 2_000_000_000},
        {"key": ""},
        {"key": "x" * 501},
        {"key": "a\x00b"},
        {"key_ttl": -1},
        {"expires": 0},
        {"timeout": 0},
        {"timeout": "abc"},
        {"deadline": -5},
        {"retry": 3},
        {"retry": Retry(3, on=OSError)},
        {"retry": Retry(3, backoff=at_once)},
        {"tags": "nightly"},
        {"tags": ["x" * 101]},
        {"tags": [str(n) for n in range(21)]},
        {"id": ""},
        {"id": "a b"},
        {"id": "x" * 201},
        {"id": "00000000-0000-8000-8000-000000000000"},
        {"keep": "for ever"},
        {"keep": Keep(newest=-1)},
        {"dead_letter": "a b"},
        {"cascade": 1},
        {"crashes": -1},
        {"jitter": 0.5},
    ],
)
async def test_a_call_with_a_bad_option_is_refused(app: App, named: dict[str, Any]) -> None:
    """S0-75, S2-17, B-087."""

    @app.task
    async def task() -> None: ...

    with pytest.raises(Invalid) as refused:
        await task.opts(**named).enqueue()
    assert refused.value.parameter.partition(".")[0] in named
    assert (await app.runs()).items == ()


@pytest.mark.parametrize(
    "named",
    [
        {"attempts": 0},
        {"attempts": -1},
        {"attempts": "3"},
        {"attempts": True},
        {"jitter": 1.5},
        {"jitter": "0.5"},
        {"backoff": "linear"},
        {"factor": 0},
        {"delay": -1},
        {"cap": "x"},
        {"on": "OSError"},
        {"on": ()},
        {"never": [ValueError]},
    ],
)
def test_a_bad_retry_is_refused_where_it_is_said(named: dict[str, Any]) -> None:
    """S2-17, S3-23."""
    with pytest.raises(Invalid) as refused:
        Retry(**named)
    assert refused.value.parameter in named


@pytest.mark.parametrize(
    "named",
    [
        {"executor": "loop"},
        {"executor": "gpu"},
        {"on_failure": 7},
        {"on_failure": "a b"},
        {"on_success": print},
        {"key": "k"},
        {"id": "x"},
        {"max_retries": 3},
        {"timeout": "0s"},
    ],
)
async def test_a_task_with_a_bad_option_is_not_registered(app: App, named: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as refused:

        @app.task(**named)
        def task() -> None: ...

    assert refused.value.parameter in named
    assert app._client.handlers == {}


@pytest.mark.parametrize(
    ("named", "parameter"),
    [
        ({"url": "mysql://localhost/x"}, "url"),
        ({"url": "memory"}, "url"),
        ({"url": 7}, "url"),
        ({"name": " "}, "name"),
        ({"namespace": "a/b"}, "namespace"),
        ({"mode": "server"}, "mode"),
        ({"defaults": {"queue": "x"}}, "defaults"),
        ({"queues": {"a b": options()}}, "queues"),
        ({"queues": {"a": {"priority": 3}}}, "queues['a']"),
        ({"queues": ["a"]}, "queues"),
        ({"payload_limit": 0}, "payload_limit"),
    ],
)
def test_an_app_with_a_bad_option_is_refused(named: dict[str, Any], parameter: str) -> None:
    """S2-04, S2-28."""
    values: Any = {"url": "memory://", **named}
    with pytest.raises(Invalid) as refused:
        App(**values)
    assert refused.value.parameter == parameter


def test_an_unknown_mode_names_the_modes(monkeypatch: pytest.MonkeyPatch) -> None:
    """S2-04."""
    monkeypatch.setenv("PENSTOCK_MODE", "dispatcher")
    with pytest.raises(Invalid, match="both, enqueue, work"):
        App("memory://")


def test_url_and_mode_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_URL", "memory://")
    monkeypatch.setenv("PENSTOCK_MODE", "work")
    assert (App().url, App().mode) == ("memory://", "work")
    assert App(mode="both").mode == "both"


@pytest.mark.parametrize("named", [{"queue": "a"}, {"delay": 1}, {"defaults": 1}])
def test_a_layer_names_what_layers_may_name(named: dict[str, Any]) -> None:
    if "defaults" in named:
        with pytest.raises(Invalid, match="no such option"):
            options(**named)
    else:
        assert isinstance(options(**named), Options)


@pytest.mark.parametrize(("said", "meant"), [("limit", "limits"), ("prioritty", "priority"), ("retries", "retry")])
def test_an_unknown_name_is_told_its_neighbour(said: str, meant: str) -> None:
    app = App("memory://")
    wrong: dict[str, Any] = {said: 1}
    with pytest.raises(Invalid, match=f"{said}=1 is refused: did you mean {meant}="):
        app.task(**wrong)(test_url_and_mode_come_from_the_environment)


async def test_a_layer_overrides_only_what_it_names(url: str) -> None:
    app = App(
        url,
        defaults=options(timeout="1m", tags=["all"], keep="1d"),
        queues={"mail": options(priority=3, timeout="2m"), "bulk": options(priority=-3)},
    )

    @app.task(queue="mail", tags=["task"], expires="1h")
    async def task() -> None: ...

    plain = await stored(app, (await task.enqueue()).id)
    assert (plain.queue, plain.priority, plain.tags) == ("mail", 3, ("all", "task"))
    assert plain.keep == Keep(succeeded=86_400.0, failed=86_400.0)
    assert plain.options == b""
    moved = await stored(app, (await task.opts(queue="bulk", tags=["call"]).enqueue()).id)
    assert (moved.queue, moved.priority, moved.tags) == ("bulk", -3, ("all", "task", "call"))
    assert b"60" in moved.options  # the timeout of the app: that of the queue mail no longer applies
    said = await stored(app, (await task.opts(priority=7, timeout=None, dead_letter=True).enqueue()).id)
    assert (said.priority, said.dead_letter, said.options) == (7, "mail-dlq", b'{"timeout":null}')
    await app.close()


async def test_all_options_of_a_call_reach_the_store(app: App) -> None:
    @app.task
    async def task(n: int) -> None: ...

    at = datetime(2099, 1, 1, tzinfo=UTC)
    run = await task.opts(
        queue="mail",
        priority=-5,
        at=at,
        key="k",
        expires=timedelta(hours=1),
        deadline="2h",
        tags=["a", "b"],
        id="order:42",
        dead_letter="lost",
        crashes=0,
    ).enqueue(1)
    assert run.id == "order:42"
    one = await stored(app, run.id)
    assert (one.state, one.queue, one.priority, one.due_at) == ("scheduled", "mail", -5, at.timestamp())
    assert (one.key, one.tags, one.dead_letter, one.max_crashes) == ("k", ("a", "b"), "lost", 1)
    assert one.expires_at == at.timestamp() + 3600
    assert one.deadline_at == pytest.approx(one.enqueued_at + 7200)


async def test_opts_leave_the_task_as_it_was(app: App) -> None:
    @app.task
    async def task() -> None: ...

    urgent = task.opts(priority=9)
    tagged = urgent.opts(tags=["x"], queue="q")
    assert (await stored(app, (await task.enqueue()).id)).priority == 0
    assert (await stored(app, (await tagged.enqueue()).id)).priority == 9
    assert (task.queue, urgent.queue, tagged.queue) == ("default", "default", "q")
    assert type(tagged) is type(task)


async def test_a_later_layer_says_when_in_its_own_way(app: App) -> None:
    @app.task(delay="1h")
    async def task() -> None: ...

    now = await stored(app, (await task.opts(delay=0).enqueue()).id)
    past = await stored(app, (await task.opts(at=1000.0).enqueue()).id)
    assert (now.state, past.state) == ("queued", "queued")
    assert (await stored(app, (await task.enqueue()).id)).state == "scheduled"


async def test_a_moment_in_the_far_future_is_stored_as_it_is(app: App) -> None:
    """B-110, B-114."""

    @app.task
    async def task() -> None: ...

    far = datetime(9000, 1, 1, tzinfo=UTC)
    run = await task.opts(at=far).enqueue()
    assert (await run.status()).due_at == far.timestamp()
    assert (await (await task.opts(delay=0).enqueue()).status()).state == "queued"
