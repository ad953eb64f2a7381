"""`penstock doctor`: what is well, what is odd and what is wrong, one line each, with what to do."""

import click

from penstock.app.loops import run
from penstock.cli.exits import Exit
from penstock.cli.failures import NoStore
from penstock.cli.findings import Finding, examine, software
from penstock.cli.said import Said, shared
from penstock.cli.screen import Column, Document, Screen, field
from penstock.cli.session import app_for, check_there


@click.command("doctor")
@shared
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings, too.")
@click.pass_obj
def doctor(said: Said, *, strict: bool) -> Exit:
    """Examine store, workers and configuration.

    Each line says ok, warn or fail, what was found, and what to do. Exits with 0 if nothing failed, with 4 if the
    store does not answer, else with 1.
    """
    findings = _examined(said)
    screen = Screen(said.output)
    screen.listing("findings", [finding.document() for finding in findings], _columns())
    if any(finding.name == "store" and finding.status == "fail" for finding in findings):
        return Exit.UNAVAILABLE
    bad = {"fail", "warn"} if strict else {"fail"}
    return Exit.FAILED if any(finding.status in bad for finding in findings) else Exit.OK


def _examined(said: Said) -> list[Finding]:
    app = app_for(said)
    try:
        check_there(app, said)
    except NoStore as error:
        return [*software(), Finding("fail", "store", str(error))]
    return run(examine(app))


def _columns() -> list[Column]:
    return [field("status"), field("name"), Column("finding", _told)]


def _told(finding: Document) -> str:
    advice = finding["advice"]
    return f"{finding['finding']}{'; ' + advice if advice else ''}"
