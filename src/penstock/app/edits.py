"""What a run is to do may change until it is claimed: its input, checked as at `enqueue`, and what follows from it."""

from collections.abc import Mapping, Sequence

from penstock.app.client import Client
from penstock.app.declared import profile_of
from penstock.app.layers import Profile
from penstock.app.maker import Maker
from penstock.app.options import Options
from penstock.app.refusals import raise_for
from penstock.core import codec
from penstock.core.errors import Invalid
from penstock.core.requests import Counted, Edit
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
    edit = Edit(input=client.home.codec.encode(data), counted=await _counted(client, run, data))
    raise_for(await (await client.store()).edit(run.id, edit), run.id, "update_input")


async def _counted(client: Client, run: Run, data: bytes) -> Counted | None:
    """What follows from the new input, where it had followed from the old one; None: nothing of the run does.

    A key that the call had named, or a value, stays. Raises `Invalid` where only other code can find them.
    """
    if not run.limits and run.fair is None:
        return None
    maker = Maker(client, await _profile(client, run), Options(queue=run.queue))
    was, now = maker.counted(client.home.codec.decode(run.input)), maker.counted(data)
    keys = {old.name: (old, new) for old, new in zip(was.limits, now.limits, strict=True)}
    limits = tuple(new if one == old else one for one in run.limits for old, new in [keys.get(one.name, (None, one))])
    if (run.fair, run.weight) != (was.fair, was.weight):
        return Counted(limits=limits, fair=run.fair, weight=run.weight)
    return Counted(limits=limits, fair=now.fair, weight=now.weight)


async def _profile(client: Client, run: Run) -> Profile:
    """What the code of the task says about its runs, else what a worker has declared, else nothing."""
    known = client.versions.get((run.task, run.version))
    if known is not None:
        return known[1]
    if run.task in client.profiles:
        return client.profiles[run.task]
    declared = [one for one in await (await client.store()).definitions() if one.task == run.task]
    return profile_of(max(declared, key=lambda one: one.seen_at)) if declared else Profile(task=run.task)
