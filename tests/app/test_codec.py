"""The codec seam: what lies in the store is what the codec makes of it; those who share it notice nothing."""

import secrets
from pathlib import Path

import pytest

from penstock import App, Codec, Failure, KeyConflict, Retry
from penstock.testing import Rehearsal


class Masked:
    """Turns every byte over, and begins with something that is different each time."""

    name = "masked"

    def encode(self, data: bytes) -> bytes:
        return b"\x00" + secrets.token_bytes(8) + bytes(255 - byte for byte in data)

    def decode(self, data: bytes) -> bytes:
        return bytes(255 - byte for byte in data[9:]) if data[:1] == b"\x00" else data


@pytest.fixture
def rehearsed() -> App:
    return App("memory://", codec=Masked())


async def test_inputs_and_results_are_masked_in_the_store_only(rehearsed: App, stage: Rehearsal) -> None:
    heard: list[Failure] = []

    @rehearsed.task
    async def report(failure: Failure) -> None:
        heard.append(failure)

    @rehearsed.task(retry=Retry(1), on_failure=report)
    async def shout(word: str) -> str:
        if not word:
            raise ValueError
        return word.upper()

    run = await shout.enqueue("secret")
    assert await run.result() == "SECRET"
    (stored,) = await (await rehearsed._client.store()).get([run.id])
    assert stored is not None
    assert b"secret" not in stored.input
    assert b"SECRET" not in (stored.result or b"")
    status = await run.status()
    assert (status.input, status.result) == ({"word": "secret"}, "SECRET")
    await shout.enqueue("")
    await stage.drain()
    assert heard[0].input == {"word": ""}


async def test_a_key_knows_its_input_however_it_was_encoded(rehearsed: App, stage: Rehearsal) -> None:
    @rehearsed.task
    async def shout(word: str) -> None: ...

    assert (await shout.opts(key="k").enqueue("a")).created
    assert not (await shout.opts(key="k").enqueue("a")).created
    with pytest.raises(KeyConflict):
        await shout.opts(key="k").enqueue("b")


class Renamed(Masked):
    """The same under another key's name."""

    name = "renamed"


class Broken:
    """Can read nothing."""

    name = "broken"

    def encode(self, data: bytes) -> bytes:
        return b"\0" + data

    def decode(self, data: bytes) -> bytes:
        raise KeyError("2019-3")


def shop(url: str, codec: Codec | None) -> App:
    app = App(url, name="shop", codec=codec)

    @app.task(retry=Retry(2, delay="1h"))
    async def shout(word: str) -> str:
        return word.upper()

    assert shout.name == "shout"
    return app


@pytest.fixture
def file(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/shop.db?fast=1"


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "penstock.app.mixed"]


async def test_processes_that_differ_in_their_codec_are_told_at_the_start(
    file: str, caplog: pytest.LogCaptureFixture
) -> None:
    """S2-11."""
    async with shop(file, Masked()) as first, first.worker():
        async with shop(file, Masked()), App(file):
            assert told(caplog) == []
        async with shop(file, Renamed()):
            assert told(caplog) == ["the codec is 'renamed' here and 'masked' where others work: make them the same"]
        caplog.clear()
        async with shop(file, None):
            assert told(caplog) == ["the codec is 'none' here and 'masked' where others work: make them the same"]
    caplog.clear()
    async with shop(file, Renamed()):
        assert told(caplog) == []  # nobody works with the other one any more


async def test_a_worker_without_the_codec_fails_no_run_for_good(file: str) -> None:
    """What it can't read may be sound: another attempt finds a worker that can."""
    async with shop(file, Masked()) as right:
        run = await right.enqueue("shout", "secret")
        async with shop(file, None) as wrong:
            await wrong.worker(burst=True).run()
        (attempt,) = await run.attempts()
        assert attempt.error is not None
        assert attempt.error.type == "penstock.Mismatch"
        await run.promote()
        await right.worker(burst=True).run()
        assert await run.result(timeout=10) == "SECRET"


async def test_what_can_not_be_read_here_is_listed_all_the_same(file: str) -> None:
    async with shop(file, Masked()) as right, App(file, codec=Broken()) as wrong:
        run = await right.enqueue("shout", "secret")
        (listed,) = (await wrong.runs()).items
        assert (listed.id, listed.input) == (run.id, "(not readable here: KeyError: '2019-3')")
