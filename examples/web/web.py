"""A site that has its work done elsewhere: it waits for a result for a moment, else says where to ask for it.

PENSTOCK_MODE=enqueue uvicorn web:site      and, in another process,      penstock worker tasks:app
"""

from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tasks import app, charge

from penstock import (
    Invalid,
    KeyConflict,
    NotFound,
    Purged,
    ResultTimeout,
    Run,
    RunCancelled,
    RunFailed,
    Unavailable,
    WrongState,
)

MOMENT = 2.0  # seconds for which a request waits
REFUSALS = {
    msgspec.DecodeError: 400,
    Invalid: 422,
    KeyConflict: 409,
    WrongState: 409,
    NotFound: 404,
    Purged: 410,
    Unavailable: 503,
}


async def order(request: Request) -> Response:
    """POST /orders: charge an order, once for each Idempotency-Key, however often it is asked for."""
    wanted = msgspec.json.decode(await request.body(), type=dict[str, Any])
    key = request.headers.get("idempotency-key")
    task = charge if key is None else charge.opts(key=key)
    return await answer(await task.enqueue(**wanted))


async def run(request: Request) -> Response:
    """GET /runs/ID: ask again. DELETE: cancel it."""
    found = app.run(request.path_params["id"])
    if request.method == "DELETE":
        await found.cancel("by its customer")
    return await answer(found)


async def answer(asked: Run[Any]) -> Response:
    """200 with the result if that comes within a moment, else 202 with the place to ask again."""
    try:
        result = await asked.result(timeout=MOMENT)
    except ResultTimeout:
        status = await asked.status()
        told = {"id": asked.id, "state": status.state, "since": status.since_at}
        return JSONResponse(told, 202, {"location": f"/runs/{asked.id}", "retry-after": "1"})
    except RunCancelled as cancelled:
        return JSONResponse({"id": asked.id, "cancelled": cancelled.reason}, 410)
    except RunFailed as failed:
        return JSONResponse({"id": asked.id, "error": failed.error_type, "message": failed.message}, 502)
    return JSONResponse({"id": asked.id, "result": msgspec.to_builtins(result)})


async def refused(_: Request, error: Exception) -> Response:
    """What can't be done, in the words of HTTP."""
    status = next(code for kind, code in REFUSALS.items() if isinstance(error, kind))
    return JSONResponse({"error": type(error).__name__, "message": str(error)}, status)


site = Starlette(
    routes=[
        Route("/orders", order, methods=["POST"]),
        Route("/runs/{id:path}", run, methods=["GET", "DELETE"]),
    ],
    exception_handlers=dict.fromkeys(REFUSALS, refused),
    lifespan=app.asgi_lifespan(),
)
