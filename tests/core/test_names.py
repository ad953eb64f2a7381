"""Names, priorities, tags and keys: refused by name, with what is allowed, before anything is stored."""

import math
from collections.abc import Callable

import pytest

from penstock.core.errors import Invalid
from penstock.core.names import check_key, check_name, check_priority, check_tags

Check = Callable[[object, str], object]


@pytest.mark.parametrize(
    ("check", "value"),
    [
        *((check_name, name) for name in ("a", "send_mail", "a.b-c", "0", "-", "x" * 100)),
        *((check_priority, number) for number in (-1000, 0, 1000)),
        *((check_key, key) for key in ("k", "welcome:42", "ä ö", "x" * 500, "日本", "a/b?c=d")),
        *((check_tags, tags) for tags in ((), ("a",), ("a b", "ü", "x" * 100))),
    ],
)
def test_what_is_allowed_comes_back_as_it_is(check: Check, value: object) -> None:
    assert check(value, "it") == value


@pytest.mark.parametrize(
    ("check", "value"),
    [
        *(
            (check_name, bad)
            for bad in ("", "a b", "a:b", "a/b", "x" * 101, "ä", "a\n", "a\x00", "{a}", "*", 1, None, b"a")
        ),
        *((check_priority, bad) for bad in (1001, -1001, 2**21, 1.0, 0.5, math.nan, True, "1", None)),
        *((check_key, bad) for bad in ("", "x" * 501, "a\x00", "a\nb", "\x7f", "\x85", "\ud800", 1, None, b"k")),
        *((check_tags, bad) for bad in ("abc", None, 1, {"a": 1}, [""], ["x" * 101], ["a\n"], [1], [None], ["\ud800"])),
        (check_tags, [str(number) for number in range(21)]),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(check: Check, value: object) -> None:
    """B-087"""
    with pytest.raises(Invalid, match=r"^it=") as refused:
        check(value, "it")
    assert refused.value.parameter == "it"
    assert isinstance(refused.value, ValueError)


def test_a_tag_said_twice_is_carried_once() -> None:
    assert check_tags(["b", "a", "b"]) == ("b", "a")
