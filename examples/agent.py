"""An agent in a loop: a model says which tool to call, tools are steps, and a person allows what costs money.

The model is a double here. A real one is called in the same place: each answer is recorded, so that no restart asks, or
pays, for it again, and the loop goes on where it was.

Prints:

    asked to get me to Lyon, the model says search 'a train to Lyon'
    tool: found the 9:04 for 70 EUR
    asked to get me to Lyon, the model says buy 'the 9:04'
    person: yes, buy 'the 9:04'
    tool: bought the 9:04
    asked to get me to Lyon, the model says done 'you leave at 9:04'
    you leave at 9:04
    recorded: think, search, think, ask, wait, buy, think
"""

import asyncio

import msgspec

import penstock
from penstock import App, Retry

app = App()


class Move(msgspec.Struct):
    """What the model wants next: a tool and its argument, or to say something and end."""

    tool: str
    argument: str = ""


SCRIPT = [Move("search", "a train to Lyon"), Move("buy", "the 9:04"), Move("done", "you leave at 9:04")]
questions: asyncio.Queue[tuple[str, str]] = asyncio.Queue()


@app.step(retry=Retry(3), timeout="1m")
async def think(wish: str, talk: list[str]) -> Move:
    move = SCRIPT[len(talk) // 2]  # here a model is asked
    print(f"asked to {wish}, the model says", move.tool, repr(move.argument))
    return move


@app.step
async def search(what: str) -> str:
    print("tool: found the 9:04 for 70 EUR")
    return f"{what}: the 9:04 for 70 EUR"


@app.step
async def buy(what: str) -> str:
    print(f"tool: bought {what}")
    return f"bought {what}"


@app.step
async def ask(token: str, what: str) -> None:
    await questions.put((token, what))  # a mail, a chat, a page with a button


TOOLS = {"search": search, "buy": buy}


@app.workflow
async def agent(wish: str) -> str:
    talk: list[str] = []
    while (move := await think(wish, talk)).tool != "done":
        if move.tool == "buy":
            allowed = await penstock.token(bool)
            await ask(allowed.text, f"buy {move.argument!r}")
            if not await penstock.wait(allowed, timeout="1d", default=False):
                return "you did not want to"
        talk += [f"{move.tool} {move.argument}", await TOOLS[move.tool](move.argument)]
    return move.argument


async def main() -> None:
    async with app, app.worker():
        run = await agent.enqueue("get me to Lyon")
        token, what = await questions.get()
        print("person: yes,", what)
        await app.resolve(token, True)
        print(await run.result())
        steps = [one.name for one in (await run.history()).steps if one.kind != "moment" and one.name != "token"]
        print("recorded:", ", ".join("wait" if name.startswith("token.") else name for name in steps))


if __name__ == "__main__":
    asyncio.run(main())
