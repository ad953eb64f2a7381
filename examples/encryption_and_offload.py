"""Payloads are encrypted under keys that rotate, and large ones lie in a folder: the store holds neither in the clear.

Prints:

    a: HELLO
    in the store: 2024-1
    b: HELLO AGAIN
    in the store: 2025-1
    c: 600000
    in the store: 70 bytes, beside it 1 file
"""

import asyncio
import hashlib
import tempfile
from pathlib import Path

from cryptography.fernet import Fernet

from penstock import App, Codec


class Encrypted:
    """Encrypts under the first key, and reads what any of them wrote."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        self._current = next(iter(keys))
        self._keys = {name: Fernet(key) for name, key in keys.items()}

    @property
    def name(self) -> str:
        return f"encrypted under {self._current}"

    def encode(self, data: bytes) -> bytes:
        return b"\0" + self._current.encode() + b"\0" + self._keys[self._current].encrypt(data)

    def decode(self, data: bytes) -> bytes:
        if data[:1] != b"\0":  # written before there were keys
            return data
        name, _, token = data[1:].partition(b"\0")
        return self._keys[name.decode()].decrypt(token)


class Offloaded:
    """Keeps what is large in a folder, named by its hash, and passes on where it is; another codec sees the rest."""

    def __init__(self, folder: Path, inner: Codec, *, above: int = 65_536) -> None:
        self._folder = folder
        self._inner = inner
        self._above = above

    @property
    def name(self) -> str:
        return f"offloaded, {self._inner.name}"

    def encode(self, data: bytes) -> bytes:
        encoded = self._inner.encode(data)
        if len(encoded) <= self._above:
            return encoded
        name = hashlib.sha256(encoded).hexdigest()
        new = self._folder / f"{name}.new"
        new.write_bytes(encoded)
        new.replace(self._folder / name)  # whole, or not there: it is before the run that needs it
        return b"\0file\0" + name.encode()

    def decode(self, data: bytes) -> bytes:
        if data.startswith(b"\0file\0"):
            data = (self._folder / data[6:].decode()).read_bytes()
        return self._inner.decode(data)


KEYS = {"2024-1": Fernet.generate_key(), "2025-1": Fernet.generate_key()}


def shop(codec: Codec) -> App:
    app = App(codec=codec)

    @app.task
    async def shout(word: str) -> str:
        return word.upper()

    @app.task
    async def count(text: str) -> int:
        return len(text)

    assert (shout.name, count.name) == ("shout", "count")
    return app


async def stored(run_id: str) -> bytes:
    """The input as the store has it: an app without the codec sees what is there."""
    async with App() as stranger:
        return str((await stranger.run(run_id).status()).input).encode()


def files(folder: str) -> list[str]:
    return [path.name for path in Path(folder).iterdir()]


async def main() -> None:
    before = shop(Encrypted({"2024-1": KEYS["2024-1"]}))
    after = shop(Encrypted({"2025-1": KEYS["2025-1"], "2024-1": KEYS["2024-1"]}))  # the new key first, the old one kept
    async with before, after:
        first = await before.enqueue("shout", "hello")
        second = await after.enqueue("shout", "hello again")
        await after.worker(burst=True).run()  # reads what both have written
        for name, run in (("a", first), ("b", second)):
            print(f"{name}:", await after.run(run.id).result())
            print("in the store:", (await stored(run.id)).split(b"\0")[1].decode())

    with tempfile.TemporaryDirectory() as folder:
        app = shop(Offloaded(Path(folder), Encrypted(KEYS)))
        async with app:
            run = await app.enqueue("count", "x" * 600_000)
            await app.worker(burst=True).run()
            print("c:", await run.result())
            print("in the store:", len(await stored(run.id)), "bytes, beside it", len(files(folder)), "file")


if __name__ == "__main__":
    asyncio.run(main())
