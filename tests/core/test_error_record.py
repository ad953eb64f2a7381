"""What is kept of an error: enough to see what happened, and never more than fits."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.error_record import CAUSES, MESSAGE, TRACEBACK, Cause, ErrorRecord, decode, describe
from penstock.core.errors import OutputError


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def raised(error: BaseException, behind: BaseException | None = None) -> BaseException:
    try:
        raise error from behind
    except BaseException as caught:  # noqa: BLE001 (to have a traceback)
        return caught


def deep(levels: int) -> None:
    if levels:
        deep(levels - 1)
    raise ValueError("x" * 100_000)


def test_an_error_is_kept_as_type_message_and_traceback() -> None:
    """B-093"""
    kept = describe(raised(ValueError("no such user")))
    assert (kept.type, kept.message, kept.causes) == ("ValueError", "no such user", ())
    assert kept.traceback.startswith("Traceback (most recent call last):")
    assert kept.traceback.rstrip().endswith("ValueError: no such user")
    assert "raise error from behind" in kept.traceback


def test_a_type_carries_its_module_unless_it_is_built_in() -> None:
    assert describe(OutputError("no")).type == "penstock.OutputError"
    assert describe(ConnectionResetError()).type == "ConnectionResetError"


def test_causes_begin_with_the_nearest_and_end_after_a_few() -> None:
    error = raised(ValueError("0"))
    for number in range(1, 20):
        error = raised(ValueError(str(number)), error)
    assert [cause.message for cause in describe(error).causes] == ["18", "17", "16", "15", "14"]


def test_a_context_is_a_cause_unless_it_was_suppressed() -> None:
    error = ValueError("second")
    error.__context__ = OSError("first")
    assert describe(error).causes == (Cause(type="OSError", message="first"),)
    error.__suppress_context__ = True
    assert describe(error).causes == ()


def test_a_chain_that_meets_itself_ends() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert [cause.message for cause in describe(one).causes] == ["other"]


@pytest.mark.parametrize("levels", [0, 500])
def test_an_error_never_takes_more_than_its_room(levels: int) -> None:
    """B-093: bounded, however long the message and however deep the stack."""
    with pytest.raises(ValueError, match="x") as caught:
        deep(levels)
    error: BaseException = caught.value
    for _ in range(2_000):
        outer = RuntimeError("y" * 10_000)
        outer.__cause__ = error
        error = outer
    kept = describe(error)
    assert len(kept.message.encode()) <= MESSAGE
    assert len(kept.traceback.encode()) <= TRACEBACK
    assert len(kept.encode()) <= (CAUSES + 1) * (MESSAGE + 300) + 2 * TRACEBACK
    assert kept.message.endswith("... cut ...\n")
    assert kept.traceback.endswith("y\n")


def test_an_error_that_cannot_be_printed_is_kept_all_the_same() -> None:
    kept = describe(raised(MuteError()))
    assert kept.type.endswith("MuteError")
    assert "RuntimeError" in kept.message
    assert "MuteError" in kept.traceback


def test_a_group_shows_its_members_in_the_traceback() -> None:
    kept = describe(raised(ExceptionGroup("both", [OSError("left"), ValueError("right")])))
    assert "left" in kept.traceback
    assert "right" in kept.traceback


@given(st.text(st.characters(exclude_categories=[]), max_size=3_000))
def test_any_message_survives_the_way_to_the_store_and_back(text: str) -> None:
    """Half surrogates are spelled out; markup stays text, whoever shows it must escape it."""
    kept = describe(ValueError(text))
    assert decode(kept.encode()) == kept
    assert len(kept.message.encode()) <= MESSAGE


@pytest.mark.parametrize("data", [b"", b"null", b"{}", b'{"type":1,"message":""}', b"\xff", b'{"type":"os.system"}'])
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(data)


def test_a_stored_type_is_a_text_and_stays_one() -> None:
    record = ErrorRecord(type="os.system", message="rm")
    assert decode(record.encode()).type == "os.system"
