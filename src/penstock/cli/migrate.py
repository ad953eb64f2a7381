"""`penstock migrate`: the store's schema, brought up to this version of the library before its workers come."""

import click

from penstock.cli.exits import Exit
from penstock.cli.said import Said, shared
from penstock.cli.session import Session, carry_out, masked
from penstock.cli.text import escaped


@click.command("migrate")
@shared
@click.pass_obj
def migrate(said: Said) -> Exit:
    """Bring the store's schema up to this version.

    Every process does so when it opens the store: this is for deploys that want it done first. Makes a store that is
    not there yet; changes nothing in one that is up to date. Refused if a later version has been there.
    """
    return carry_out(said, _migrate, makes=True)


async def _migrate(session: Session) -> Exit:
    info = await session.app.info()
    session.screen.one(
        {"schema": info.schema, "store": info.store_id, "namespace": info.namespace},
        lambda one: [escaped(f"{masked(session.app.url)}, namespace {one['namespace']}: schema {one['schema']}")],
    )
    return Exit.OK
