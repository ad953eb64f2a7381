"""What the page on Redis says beside code that runs is what tests have tried."""

from tests.docs.pages import ROOT
from tests.redis.test_server import RIGHTS


def test_the_rights_of_a_user_are_those_that_suffice() -> None:
    assert RIGHTS in (ROOT / "docs" / "how-to" / "redis.md").read_text(encoding="utf-8")
