"""A site that takes orders and shows how far they are, while they are made by workers in other processes.

PENSTOCK_MODE=enqueue uvicorn page:site      and, in another process,      penstock worker workshop:app
"""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from workshop import app, make

from penstock import NotFound, Purged

HERE = Path(__file__).parent


async def show(_: Request) -> Response:
    """GET /: the page."""
    return FileResponse(HERE / "page.html")


async def script(_: Request) -> Response:
    """GET /page.js: what makes it move."""
    return FileResponse(HERE / "page.js")


async def order(request: Request) -> Response:
    """POST /orders: store the order as a run; its id is all that the page needs."""
    wanted = await request.json()
    run = await make.enqueue(str(wanted["thing"]), float(wanted.get("seconds", 1.0)))
    return JSONResponse({"id": run.id}, 202)


async def events(request: Request) -> Response:
    """GET /orders/ID/events: the run's log as it grows. A browser that lost us says what it has seen."""
    run = app.run(request.path_params["id"])
    after = int(request.headers.get("last-event-id") or 0)
    await run.status()  # raises if there is none

    async def lines() -> AsyncIterator[str]:
        async for line in run.stream(after=after):
            data = msgspec.json.encode(line.data).decode()
            yield f"id: {line.seq}\nevent: {line.kind}\ndata: {data}\n\n"

    return StreamingResponse(lines(), media_type="text/event-stream", headers={"cache-control": "no-store"})


async def gone(_: Request, error: Exception) -> Response:
    """204 tells a browser not to come back."""
    del error
    return Response(status_code=204)


site = Starlette(
    routes=[
        Route("/", show),
        Route("/page.js", script),
        Route("/orders", order, methods=["POST"]),
        Route("/orders/{id:path}/events", events),
    ],
    exception_handlers={NotFound: gone, Purged: gone},
    lifespan=app.asgi_lifespan(),
)
