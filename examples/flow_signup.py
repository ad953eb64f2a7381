"""Sign-ups as flows, many at a time: an account, then its settings, then the welcome. Children come before parents.

Ben's avatar can't be drawn, which is ignored; the profile of Eve is refused, which fails her sign-up. Prints:

    3 flows of 5 runs
    ann: welcome ann, with avatar and defaults
    ben: welcome ben, with defaults
    eve: a name of this kind is not allowed
    refused whole: flow[1].after[0]: user=(missing) is refused
    still 15 runs
"""

import asyncio

import penstock
from penstock import App, Call, Context, InvalidInput, Never, Retry, RunFailed, inject

app = App()


@app.task
async def create_account(user: str) -> str:
    return f"account of {user}"


@app.task
async def set_defaults(user: str, *, ctx: Context = inject()) -> str:
    assert await ctx.children.result("create_account", str) == f"account of {user}"
    if user == "eve":
        raise Never("a name of this kind is not allowed")
    return "defaults"


@app.task(queue="images", retry=Retry(2, delay="10ms"))
async def draw_avatar(user: str) -> str:
    if user == "ben":
        raise OSError("no such font")
    return "avatar"


@app.task(queue="mail")
async def welcome(user: str, *, ctx: Context = inject()) -> str:
    has = [child.result for child in (await ctx.children.results()).items]
    return f"welcome {user}, with {' and '.join(has)}"


@app.task
async def sign_up(user: str, *, ctx: Context = inject()) -> str:
    return f"{user}: {await ctx.children.result('welcome', str)}"


def sign_up_of(user: str) -> Call[str]:
    profile = set_defaults.call(user).after(create_account.call(user))
    return sign_up.call(user).after(welcome.call(user).after(draw_avatar.call(user).if_fails("ignore"), profile))


async def main() -> None:
    async with app:
        mail = penstock.options(priority=5)  # for all nodes of that queue
        nodes = await app.submit([sign_up_of(user) for user in ("ann", "ben", "eve")], queues={"mail": mail})
        print(len(nodes), "flows of", sum(count.n for count in await app.counts()) // len(nodes), "runs")
        async with app.worker(queues=["default", "images", "mail"]):
            for node, user in zip(nodes, ("ann", "ben", "eve"), strict=True):
                try:
                    print(await node.run.result())
                except RunFailed as error:
                    print(f"{user}: {error.message}")
        try:
            await app.submit([sign_up_of("fay"), sign_up.call("gus").after(app.call("welcome"))])
        except InvalidInput as error:
            print("refused whole:", str(error).partition(": missing")[0])
        print("still", sum(count.n for count in await app.counts()), "runs")


if __name__ == "__main__":
    asyncio.run(main())
