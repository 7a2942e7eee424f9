"""A merge is strict: every stop counts for both, no yes is borrowed; an unmerge gives back what is sure."""

from collections.abc import Sequence
from datetime import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.model import Customer, Purpose, Window
from orchestrator.persons.consents import refused
from orchestrator.persons.merging import fold_person, one_with
from orchestrator.timing.hours import common
from tests.builders import fact

OLD, NEW = "maria-old", "maria"


def said(kind: str, who: str, day: str, /, **data: Any) -> Any:
    return fact(kind, who, f"2026-{day} 09:00", **data)


def merged(day: str = "03-01", who: str = OLD, into: str = NEW) -> Any:
    return said("customer.merged", who, day, into=into)


def unmerged(day: str = "04-01", who: str = OLD) -> Any:
    return said("customer.unmerged", who, day)


def yes(who: str, day: str, **about: Any) -> Any:
    return said(
        "consent.given", who, day, **{"purpose": "marketing", "channel": "email", "evidence": "form"} | about
    )


def no(who: str, day: str, **about: Any) -> Any:
    return said("consent.withdrawn", who, day, **about)


def person(who: str, *facts: Any) -> Customer:
    theirs: dict[str, list[Any]] = {who: []}
    for one in facts:
        theirs.setdefault(one.subject, []).append(one)
    return fold_person(who, theirs)


def may(who: Customer, purpose: str = "marketing", channel: str = "email") -> bool:
    return not refused(who, Purpose(purpose), channel)


# ── strictest consent ────────────────────────────────────────────────────────


@pytest.mark.parametrize("who", [OLD, NEW])
def test_a_stop_under_either_id_counts_for_the_merged_person(who: str) -> None:
    for said_under in (OLD, NEW):
        assert not may(person(who, no(said_under, "02-01", channel="sms"), merged()), "service", "sms")


def test_a_stop_said_before_the_merge_outweighs_a_younger_yes_of_the_other() -> None:
    who = person(NEW, no(OLD, "01-01", purpose="marketing"), yes(NEW, "02-01"), merged())
    assert refused(who, Purpose.MARKETING, "email") == (
        "the customer withdrew consent for email as customer maria-old on 2026-01-01"
    )


def test_a_yes_said_before_the_merge_is_not_borrowed() -> None:
    assert not may(person(NEW, yes(OLD, "02-01"), merged()))
    assert may(person(NEW, yes(NEW, "02-01"), merged()))


@pytest.mark.parametrize("under", [OLD, NEW])
def test_a_yes_said_after_the_merge_under_either_id_counts(under: str) -> None:
    assert may(person(NEW, no(OLD, "02-01", purpose="marketing"), merged(), yes(under, "03-05")))


def test_a_stop_under_the_old_id_long_after_the_merge_counts() -> None:
    assert not may(person(NEW, merged(), yes(NEW, "03-05"), no(OLD, "03-06")))


def test_who_was_merged_over_two_others_is_one_person() -> None:
    facts = [no("a", "01-01", channel="email"), merged("02-01", "a", "b"), merged("02-02", "b", "c")]
    assert not may(person("c", *facts), "service")
    assert one_with("c", {"a": facts[:2], "b": facts[2:], "c": []}) == ("a", "b")


def test_a_ring_of_merges_ends() -> None:
    facts = [no("a", "01-01", channel="email"), merged("02-01", "a", "b"), merged("02-02", "b", "a")]
    assert not may(person("b", *facts), "service")


# ── parted again ─────────────────────────────────────────────────────────────


def test_a_stop_said_before_the_merge_goes_back_to_whose_it_was() -> None:
    facts = [no(OLD, "02-01"), merged(), unmerged()]
    assert may(person(NEW, *facts), "service")
    assert not may(person(OLD, *facts), "service")


def test_a_stop_said_while_they_were_one_stays_for_both() -> None:
    facts = [merged(), no(OLD, "03-05"), unmerged()]
    assert not may(person(NEW, *facts), "service")
    assert not may(person(OLD, *facts), "service")


def test_a_yes_said_while_they_were_one_stays_with_the_id_it_was_said_under() -> None:
    facts = [merged(), yes(NEW, "03-05"), unmerged()]
    assert may(person(NEW, *facts))
    assert not may(person(OLD, *facts))


def test_what_is_said_after_they_were_parted_concerns_one() -> None:
    facts = [merged(), unmerged(), no(OLD, "04-05")]
    assert may(person(NEW, *facts), "service")
    assert person(OLD, *facts).merged_into == ""


# ── the rest of a person ─────────────────────────────────────────────────────


def test_names_and_addresses_are_those_of_who_stays_and_gaps_are_filled() -> None:
    who = person(
        NEW,
        fact(
            "customer.upserted",
            OLD,
            "2026-01-01 09:00",
            name="M. Keller",
            email="old@example.com",
            phone="+493023125101",
        ),
        fact(
            "customer.upserted",
            NEW,
            "2026-01-01 09:00",
            name="Maria Keller",
            email="maria.keller@example.com",
        ),
        merged(),
    )
    assert (who.name, who.email, who.phone) == ("Maria Keller", "maria.keller@example.com", "+493023125101")


def test_who_was_erased_under_one_id_is_erased_under_both() -> None:
    gone = said("customer.erased", OLD, "02-01")
    known = fact("customer.upserted", NEW, "2026-03-02 09:00", name="Maria Keller")
    assert person(NEW, gone, known, merged()).erased
    assert not person(NEW, gone, known, merged(), unmerged()).erased


def hours(who: str, day: str, start: str, end: str, **more: Any) -> Any:
    window = {"days": "weekdays", "from": start, "to": end, **more}
    return said("preference.set", who, day, windows=[window])


def open_at(who: Customer) -> list[tuple[str, str]]:
    return [(f"{w.start:%H:%M}", f"{w.end:%H:%M}") for w in who.windows]


def test_only_the_hours_that_both_chose_are_left() -> None:
    facts = [hours(OLD, "02-01", "08:00", "12:00"), hours(NEW, "02-02", "10:00", "18:00"), merged()]
    assert open_at(person(NEW, *facts)) == [("10:00", "12:00")]


def test_without_a_common_hour_those_chosen_last_count() -> None:
    facts = [hours(OLD, "02-03", "08:00", "09:00"), hours(NEW, "02-02", "10:00", "18:00"), merged()]
    assert open_at(person(NEW, *facts)) == [("08:00", "09:00")]


def test_hours_that_only_one_chose_are_kept_and_a_choice_after_the_merge_counts_alone() -> None:
    facts = [hours(OLD, "02-03", "08:00", "09:00"), merged()]
    assert open_at(person(NEW, *facts)) == [("08:00", "09:00")]
    assert open_at(person(NEW, *facts, hours(NEW, "03-05", "10:00", "11:00"))) == [("10:00", "11:00")]


# ── hours in common ──────────────────────────────────────────────────────────

CLOCKS = st.integers(0, 47).map(lambda half: time(half // 2, half % 2 * 30))
WINDOWS = st.lists(
    st.builds(
        Window,
        days=st.frozensets(st.integers(0, 6), min_size=1),
        start=CLOCKS,
        end=CLOCKS,
        channel=st.sampled_from(["", "sms"]),
    ),
    min_size=1,
    max_size=3,
)


def opens(windows: Sequence[Window], day: int, clock: time, channel: str) -> bool:
    mine = [w for w in windows if w.channel == channel] or [w for w in windows if not w.channel]
    if not mine:
        return True
    for w in mine:
        if w.start < w.end:
            if day in w.days and w.start <= clock < w.end:
                return True
        elif (day in w.days and clock >= w.start) or ((day - 1) % 7 in w.days and clock < w.end):
            return True
    return False


@given(WINDOWS, WINDOWS, st.integers(0, 6), CLOCKS, st.sampled_from(["sms", "email"]))
def test_hours_in_common_open_when_both_choices_do(
    one: list[Window], two: list[Window], day: int, clock: time, channel: str
) -> None:
    both = common([one, two])
    if both:
        together = opens(one, day, clock, channel) and opens(two, day, clock, channel)
        assert opens(both, day, clock, channel) is together
