"""What the failure of a child does to its parent, as users say it."""

from typing import Literal, TypeAlias, cast

from penstock.core.errors import Invalid
from penstock.core.policy import IfFails

Policy: TypeAlias = Literal["fail", "block", "continue", "ignore", "remove"]


def check_policy(value: object, parameter: str = "if_fails") -> IfFails:
    """The value as a policy."""
    try:
        return IfFails(cast("str", value))
    except ValueError:
        raise Invalid(parameter, value, f"one of {', '.join(IfFails)}") from None
