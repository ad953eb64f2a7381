"""What a run is to do may change until it has been claimed: its input, checked as at `enqueue`."""

from collections.abc import Mapping, Sequence

from penstock.app.client import Client
from penstock.app.refusals import raise_for
from penstock.core import codec
from penstock.core.errors import Invalid
from penstock.core.requests import Edit
from penstock.core.run import Run


async def update_input(client: Client, run: Run, args: Sequence[object], named: Mapping[str, object]) -> None:
    """The run has these arguments. Raises what `Run.update_input` raises."""
    handler = client.handler(run.task, run.version)
    if handler is not None:
        data = handler.signature.encode(tuple(args), dict(named), limit=client.limit)
    elif args:
        raise Invalid("args", args, f"{run.task} is not registered here: give its arguments by name")
    else:
        data = codec.encode_named(dict(named), limit=client.limit)
    edit = Edit(input=client.home.codec.encode(data))
    raise_for(await (await client.store()).edit(run.id, edit), run.id, "update_input")
