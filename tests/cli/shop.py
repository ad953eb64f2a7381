"""The app that the tests of the command line work with, and modules that lead to none."""

from penstock import App, Retry, context

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

    @app.task
    async def chatter() -> None:
        context().log("so it goes")

    assert [one.name for one in (add, greet, explode, chatter)] == ["add", "greet", "explode", "chatter"]
    return app


app = stocked("memory://")
number = 7
