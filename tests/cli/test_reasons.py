"""Why a run has not finished, in words."""

import pytest

from penstock.cli.reasons import because


@pytest.mark.parametrize(
    ("reason", "until", "told"),
    [
        ("due", 160.0, "it is not due yet; `penstock runs promote` starts it now (since 40s; for 1m more)"),
        ("due", 90.0, "its time has come; the next worker that looks takes it up"),
        ("moment", 160.0, "it sleeps (since 40s; for 1m more)"),
        ("moment", 90.0, "it has slept; the next worker that looks wakes it"),
        ("ready", None, "it is next in its queue, as soon as a worker has room (since 40s)"),
        ("something new", None, "something new: d (since 40s)"),
    ],
)
def test_a_reason_is_a_sentence(reason: str, until: float | None, told: str) -> None:
    why = {"reason": reason, "detail": ["d", ""], "since_at": 60.0, "until_at": until}
    assert because(why, 100.0).startswith(told)
