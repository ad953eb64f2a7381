"""Places, scopes, and what fits: tables, and random shapes of code against the rule said in other words."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.core.leases import Step
from penstock.models.forgetting import behind, forgotten
from penstock.models.journal import ATTEMPT, MOMENT, SLEEP, STEP, Journal, Misfit, Place, Scope


def place(name: str, position: int, *, ordinal: int = 1, seen: int = 0, scope: str = "", kind: str = STEP) -> Place:
    return Place(scope=scope, name=name, ordinal=ordinal, position=position, seen=seen, kind=kind)


def fits(journal: Journal, asked: Place) -> bool:
    try:
        journal.find(asked)
    except Misfit:
        return False
    return True


def test_a_call_finds_its_own_record() -> None:
    recorded = place("charge", 0).outcome(value=b"1")
    assert Journal([recorded]).find(place("charge", 0)) is recorded
    assert Journal([recorded]).find(place("charge", 1, ordinal=2)) is None
    assert Journal([recorded]).find(place("charge", 0, scope="1")) is None


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(place("refund", 0), id="another name"),
        pytest.param(place("charge", 0, kind=SLEEP), id="another kind"),
        pytest.param(place("charge", 0, ordinal=2), id="another ordinal"),
    ],
)
def test_another_call_at_a_recorded_position_is_a_mismatch(asked: Place) -> None:
    """S4-27, V1: renamed, of another kind, or in another order."""
    assert not fits(Journal([place("charge", 0).outcome(value=b"1")]), asked)


def test_what_a_later_call_had_seen_settled_must_be_there() -> None:
    journal = Journal([place("b", 1, seen=1).outcome(value=b"1")])
    assert not fits(journal, place("a", 0))


def test_what_a_later_call_had_not_seen_is_concurrency() -> None:
    journal = Journal([place("b", 1, seen=0).outcome(value=b"1")])
    assert journal.find(place("a", 0)) is None


def test_a_note_is_no_outcome_and_tells_which_call_it_belongs_to() -> None:
    journal = Journal([place("sleep", 0, kind=SLEEP).note(MOMENT, "at", value=b"5.0")])
    assert journal.find(place("sleep", 0, kind=SLEEP)) is None
    assert [step.value for step in journal.notes["/sleep#1"]] == [b"5.0"]
    assert journal.outcomes == []
    assert not fits(journal, place("charge", 0))
    assert not fits(journal, place("sleep", 0))


def test_scopes_are_numbered_within_the_one_that_creates_them() -> None:
    root = Scope()
    first, second = root.open(), root.open()
    assert [first.path, second.path, first.open().path, second.open().path] == ["1", "2", "1.1", "2.1"]


def test_ordinals_count_names_and_positions_count_calls() -> None:
    scope = Scope()
    taken = [scope.take(name, STEP) for name in ("a", "b", "a")]
    assert [(one.path, one.position) for one in taken] == [("/a#1", 0), ("/b#1", 1), ("/a#2", 2)]


def test_only_leading_positions_count_as_seen() -> None:
    scope = Scope()
    for _ in range(3):
        scope.take("a", STEP)
    scope.settle(1)
    assert scope.take("a", STEP).seen == 0
    scope.settle(0)
    assert scope.take("a", STEP).seen == 2


def test_a_name_of_one_s_own_is_given_once() -> None:
    """S4-22."""
    scope = Scope()
    assert scope.claim_name("fx rate")
    assert not scope.claim_name("fx rate")
    assert scope.open().claim_name("fx rate")


@given(st.lists(st.sampled_from(["call", "settle"]), max_size=40), st.randoms(use_true_random=False))
def test_the_same_code_always_fits_what_it_has_recorded(acts: list[str], chance: Random) -> None:
    """However calls and outcomes were mixed, and whichever prefix of the records was written."""
    scope, open_, steps = Scope(), list[Place](), list[Step]()
    for act in acts:
        if act == "call":
            open_.append(scope.take(chance.choice("ab"), STEP))
        elif open_:
            done = open_.pop(chance.randrange(len(open_)))
            steps.append(done.outcome(value=b"1"))
            scope.settle(done.position)
    known = {step.path for step in steps}
    again, journal = Scope(), Journal(steps)
    for made in sorted([*open_, *(_place_of(step) for step in steps)], key=lambda one: one.position):
        asked = again.take(made.name, STEP)
        assert asked.path == made.path
        found = journal.find(asked)
        assert (found is not None) == (asked.path in known)


def _place_of(step: Step) -> Place:
    name, _, ordinal = step.path.removeprefix("/").partition("#")
    return place(name, step.position, ordinal=int(ordinal), seen=step.seen)


def test_behind_an_error_is_all_that_led_to_it() -> None:
    cause, context, member = ValueError("cause"), KeyError("context"), OSError("member")
    group = ExceptionGroup("group", [member])
    group.__cause__, group.__context__ = cause, context
    context.__cause__ = group  # round in a circle
    assert set(behind(group)) == {group, cause, context, member}


def test_the_error_that_left_the_body_is_forgotten_with_its_notes_and_what_came_after_it_in_its_scope() -> None:
    root = Scope()
    child = root.open()
    failed, beside = root.take("charge", STEP), root.take("beside", STEP)
    in_child = child.take("work", STEP)
    root.settle(0)
    after = root.take("clean up", STEP)
    later = root.open()
    in_later = later.take("work", STEP)
    error = RuntimeError()
    step = failed.outcome(error=b"boom")
    stored = [
        failed.note(ATTEMPT, "1", value=b"0.0", error=b"boom"),
        in_child.outcome(value=b"1"),
        step,
        beside.outcome(value=b"1"),
        after.outcome(value=b"1"),
        in_later.outcome(value=b"1"),
    ]
    scopes = {scope.path: scope for scope in (root, child, later)}
    gone = forgotten(error, [(error, step)], stored, scopes)
    assert gone == ("/charge#1!1", "/charge#1", "/clean up#1", "2/work#1")


def test_a_caught_error_stays() -> None:
    step = place("charge", 0).outcome(error=b"boom")
    assert forgotten(ValueError(), [(RuntimeError(), step)], [step], {}) == ()


def test_an_error_that_nobody_heard_is_forgotten() -> None:
    step = place("charge", 0).outcome(error=b"boom")
    assert forgotten(ValueError(), [], [step], {}) == ("/charge#1",)
