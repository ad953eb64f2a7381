"""The app that the tests of the command line work with, and modules that lead to none."""

from penstock import App, Retry

HOSTILE = "\x1b[31mred\x1b[0m\x07\u202e"


def stocked(url: str) -> App:
    """An app with tasks, on an empty store."""
    app = App(url, name="shop")

    @app.task
    async def add(a: int, b: int = 2) -> int:
        return a + b

    @app.task(queue="mail")
    async def greet(name: str) -> str:
        return f"hello {name}"

    @app.task(retry=Retry(1), dead_letter=True)
    async def explode(message: str = "no") -> None:
        raise RuntimeError(message)

    assert [add.name, greet.name, explode.name] == ["add", "greet", "explode"]
    return app


app = stocked("memory://")
number = 7
