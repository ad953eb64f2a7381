"""Posts are looked at before they are published: the tasks of the graph in `moderation.json`.

Three processes work with it: `worker.py`, `client.py` and `reconcile.py`. They share nothing but the store.
"""

from pathlib import Path
from typing import Any

from penstock import App, NodeContext, Retry, inject

GRAPH = Path(__file__).with_name("moderation.json")

app = App(name="moderation")


@app.task(retry=Retry(3, delay="200ms"))
async def fetch_post(*, node: NodeContext = inject()) -> str:
    """The post that the context names."""
    return f"{node.get('post')}!"


@app.task(retry=Retry(2, delay="100ms"))
async def look_up_author(*, node: NodeContext = inject()) -> str:
    """Who wrote it; the graph goes on without."""
    author = node.get("author")
    if author is None:
        raise LookupError("nobody knows")
    return str(author)


@app.task
def score_post(found: dict[str, Any]) -> float:
    """How bad it is, from 0 to 1."""
    words = str(found["fetch"]).lower()
    return 0.9 if "spam" in words else 0.6 if found["author"] is None else 0.1


@app.task
async def publish(post: str, *, node: NodeContext = inject()) -> str:
    """Show it to everybody."""
    node.set("status", "published")
    return post


@app.task
async def reject(*, node: NodeContext = inject()) -> str:
    """Show it to nobody."""
    node.set("status", "rejected")
    return "rejected"
