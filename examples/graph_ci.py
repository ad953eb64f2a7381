"""Continuous integration as a graph: lint and tests side by side, a build, a stage, a person's word, then production.

The tests are a batch, one item for each Python. The second deploy fails, and its fallback puts the old version back.
Prints:

    tested on 3.11, 3.12, 3.13
    first: production has version 2
    second: production has version 2, for version 3 did not start
    deploy rescued, roll_back succeeded
"""

import asyncio

from penstock import App, GraphResult, NodeContext, Retry, inject

app = App("memory://")
production = ["version 1"]


@app.task
async def checkout(version: str, *, node: NodeContext = inject()) -> list[str]:
    node.set("version", version)
    return ["3.11", "3.12", "3.13"]


@app.task
async def lint() -> str:
    return "clean"


@app.task
async def test(python: str) -> str:
    return python


@app.task
async def build(*, node: NodeContext = inject()) -> str:
    return f"image of {node.get('version')}"


@app.task
async def stage(image: str) -> str:
    return image


@app.task(retry=Retry(2, delay="5ms"))
async def deploy(*, node: NodeContext = inject()) -> str:
    version = node.get("version")
    if version == "version 3":
        raise OSError(f"{version} did not start")
    production.append(version)
    return f"production has {version}"


@app.task
async def roll_back(*, node: NodeContext = inject()) -> str:
    assert node.error is not None
    return f"production has {production[-1]}, for {node.error.message}"


pipeline = app.graph("pipeline")
source = pipeline.node(checkout)
tested = pipeline.batch(test, after=source)
image = pipeline.node(build, after=[tested, pipeline.node(lint, after=source)])
approved = pipeline.wait("approve", after=pipeline.node(stage, after=image))
pipeline.node(deploy, after=approved, action="yes", fallback=pipeline.node(roll_back))


async def carried_out(version: str) -> GraphResult:
    run = await app.start(pipeline, input=version)
    await run.signal("approve", {"action": "yes", "by": "ann"})  # one that comes early is kept
    return await run.result()


async def main() -> None:
    async with app.worker():
        first = await carried_out("version 2")
        print("tested on", ", ".join(one["output"] for one in first.outputs["test"]))
        print("first:", first.output)
        second = await carried_out("version 3")
        print("second:", second.output)
        print(", ".join(f"{node} {second.nodes[node].status}" for node in ("deploy", "roll_back")))


if __name__ == "__main__":
    asyncio.run(main())
