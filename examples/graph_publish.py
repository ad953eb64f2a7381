"""Publishing as a graph: an editor sends a draft back or lets it go; then it goes to all channels at once.

The editor's word is a signal, kept until the graph comes to it. Paper is down, and mail stands in. Prints:

    web: second draft about rivers, feed: second draft about rivers, mail: second draft about rivers
    paper rescued, mail succeeded, seen by ann
"""

import asyncio

from penstock import App, NodeContext, Retry, inject

app = App("memory://")


@app.task
async def write(topic: str, *, node: NodeContext = inject()) -> str:
    node.set("topic", topic)
    return f"first draft about {topic}"


@app.task
async def rewrite(word: dict[str, str], *, node: NodeContext = inject()) -> str:
    node.set("editor", word["by"])
    return f"second draft about {node.get('topic')}"


@app.task(retry=Retry(1))
async def send(text: str, *, node: NodeContext = inject()) -> str:
    if node.id == "paper":
        raise OSError("the press stands")
    return f"{node.id}: {text}"


publish = app.graph("publish")
first = publish.node(write)
editor = publish.wait("editor", after=first)
second = publish.node(rewrite, after=editor, action="again")
publish.node(send, "web", after=second)
publish.node(send, "feed", after=second)
publish.node(send, "paper", after=second, fallback=publish.node(send, "mail"))


async def main() -> None:
    async with app.worker():
        run = await app.start(publish, input="rivers")
        await run.signal("editor", {"action": "again", "by": "ann"})
        result = await run.result()
    print(", ".join(result.outputs[channel] for channel in ("web", "feed", "mail")))
    ends = ", ".join(f"{node} {result.nodes[node].status}" for node in ("paper", "mail"))
    print(f"{ends}, seen by {result.context['editor']}")


if __name__ == "__main__":
    asyncio.run(main())
