"""Ids: new ones sort, derived ones repeat, and neither can be taken for the other."""

import os
import threading
import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.errors import Invalid
from penstock.core.ids import (
    check_new_run_id,
    check_run_id,
    child_id,
    new_claim_id,
    new_run_id,
    new_token,
    tick_id,
)


def test_a_new_id_is_a_uuid_of_this_moment() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid.UUID(new_run_id())
    after = time.time_ns() // 1_000_000
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert before - 1 <= made.int >> 80 <= after + 1


def test_new_ids_sort_by_creation() -> None:
    made = [new_run_id() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_new_ids_still_grow_when_the_clock_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = new_run_id()
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000_000_000_000)
    made = [new_run_id() for _ in range(100)]
    assert [before, *made] == sorted({before, *made})


def test_threads_never_make_the_same_id() -> None:
    made: list[list[str]] = []

    def make() -> None:
        made.append([new_run_id() for _ in range(3_000)])

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({name for names in made for name in names}) == 12_000
    assert all(names == sorted(names) for names in made)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_makes_ids_of_its_own() -> None:
    new_run_id()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, "\n".join(new_run_id() for _ in range(100)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    theirs = os.read(reading, 10_000).decode().split()
    os.close(reading)
    assert len({*theirs, *(new_run_id() for _ in range(100))}) == 200


place = st.one_of(st.integers(0, 1000), st.text("abc/:0123", max_size=5))
call = st.tuples(
    st.text("ab:/1", min_size=1, max_size=5),
    st.integers(0, 3),
    st.lists(place, max_size=3).map(tuple),
    st.text("ab:/1", min_size=1, max_size=5),
    st.integers(0, 12),
)


@given(call, call)
def test_places_have_the_same_id_only_if_they_are_the_same(
    one: tuple[str, int, tuple[int | str, ...], str, int], other: tuple[str, int, tuple[int | str, ...], str, int]
) -> None:
    assert (child_id(*one) == child_id(*other)) == (one == other)


def test_a_derived_id_is_a_uuid_that_no_caller_may_use() -> None:
    for derived in (child_id("parent", 0, (1, "map"), "step", 3), tick_id("shop", "nightly", 1_700_000_000.0)):
        assert uuid.UUID(derived).version == 8
        assert check_run_id(derived, "id") == derived
        with pytest.raises(Invalid, match=r"^id=.*version 8"):
            check_new_run_id(derived.upper(), "id")


def test_a_tick_has_one_id() -> None:
    assert tick_id("shop", "nightly", 1.0) == tick_id("shop", "nightly", 1.0)
    different = {tick_id("shop", "nightly", 2.0), tick_id("shop", "daily", 1.0), tick_id("x", "nightly", 1.0)}
    assert len(different | {tick_id("shop", "nightly", 1.0)}) == 4


@pytest.mark.parametrize(
    "name", ["1", "42", "a:b", "order/7", "a@b.c", "A_b-9", "x" * 200, "019016-8694-739b-aea5-9666"]
)
def test_a_caller_may_choose_an_id(name: str) -> None:
    """B-087: ids that look like integers or hold a colon are as good as others."""
    assert check_new_run_id(name, "id") == name


@pytest.mark.parametrize("value", ["", "x" * 201, "a b", "ä", "a\n", "\n", "a\x00", "a*", "a{b}", 7, None, b"a", "é"])
def test_what_can_be_no_id_is_refused_by_name(value: object) -> None:
    """B-087"""
    for check in (check_run_id, check_new_run_id):
        with pytest.raises(Invalid, match=r"^run_id=") as refused:
            check(value, "run_id")
        assert refused.value.parameter == "run_id"


def test_claims_and_tokens_are_unlike_any_other() -> None:
    assert len({new_claim_id() for _ in range(1_000)} | {new_token() for _ in range(1_000)}) == 2_000
    assert check_run_id(new_token(), "token")
