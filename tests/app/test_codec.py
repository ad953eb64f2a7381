"""The codec seam: what lies in the store is what the codec makes of it; those who share it notice nothing."""

import secrets

import pytest

from penstock import App, Failure, KeyConflict, Retry
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
