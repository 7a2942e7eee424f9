"""What the form of preferences shows is what was chosen, and saving it changes that and nothing else."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.intake.types import settle
from orchestrator.journey import Journey, On, Policy, Rule, Rung, Trigger
from orchestrator.model import Customer, Fact, Purpose
from orchestrator.persons.consents import refused
from orchestrator.planning.fold import fold_customer
from orchestrator.views.preferences import (
    ANY,
    BANDS,
    NEVER,
    RANKS,
    Choice,
    Preferences,
    changes,
    name_of,
    preferences,
    windows,
)

SPEAKS = Rule("r", "new-car", Trigger(On.REACHED, "arrived"), (Rung(say="x"),), ("email", "sms", "push"))
CAR = Journey("new-car", rules=(SPEAKS,))
START = datetime(2026, 3, 12, 9, tzinfo=UTC)
WHO: dict[str, Any] = {"name": "Maria Keller", "email": "maria.keller@example.com", "phone": "+493023125101",
                       "devices": ["fcm:d7Jk2"], "locale": "de-DE"}  # fmt: skip
CELLS = st.frozensets(st.tuples(st.integers(0, 6), st.sampled_from(BANDS)))
FINE = {"days": [0], "from": "19:00", "to": "21:00", "channel": "push"}


def fact(number: int, kind: str, data: dict[str, Any]) -> Fact:
    settled = settle(kind, data, "C-1")
    assert isinstance(settled, dict), settled
    moment = START + timedelta(minutes=number)
    return Fact("page", str(number), kind, "C-1", moment, moment, settled)


def folded(said: Iterable[tuple[str, dict[str, Any]]]) -> Customer:
    return fold_customer("C-1", [fact(number, kind, data) for number, (kind, data) in enumerate(said)])


def shown(who: Customer) -> Preferences:
    return preferences(who, [CAR], Policy())


def as_it_is(shown: Preferences) -> Choice:
    keep = frozenset(map(name_of, shown.others))
    return Choice(shown.ways, shown.cells, keep, frozenset(shown.topics), shown.wanted, "")


def saved(before: list[tuple[str, dict[str, Any]]], **chosen: Any) -> tuple[Customer, list[str]]:
    """The customer once this was chosen and all else left, and the types of the events that made it so."""
    who = folded(before)
    made = list(changes(who, shown(who), replace(as_it_is(shown(who)), **chosen)))
    after = [
        (one.type, {**one.data, **({"evidence": "form"} if "consent" in one.type else {})}) for one in made
    ]
    return folded([*before, *after]), [one.type for one in made]


KNOWN = [("customer.upserted", WHO)]


@settings(deadline=None, max_examples=50)  # the first builds the events' validators
@given(CELLS)
def test_bands_become_windows_and_windows_the_same_bands(cells: frozenset[tuple[int, int]]) -> None:
    who, _ = saved(KNOWN, cells=cells)
    assert shown(who).cells == cells
    assert shown(who).others == ()


@settings(deadline=None, max_examples=50)  # the first builds the events' validators
@given(CELLS)
def test_windows_do_not_touch_or_overlap_on_any_day(cells: frozenset[tuple[int, int]]) -> None:
    for day in range(7):
        spans = sorted((one.start, one.end) for one in windows(cells) if day in one.days)
        assert all(earlier[1] < later[0] for earlier, later in pairwise(spans))


@settings(deadline=None, max_examples=50)  # the first builds the events' validators
@given(
    st.fixed_dictionaries({kind: st.sampled_from((*RANKS, ANY, NEVER)) for kind in ("email", "sms", "push")}),
    CELLS,
    st.frozensets(st.sampled_from([Purpose.RELATIONSHIP, Purpose.MARKETING])),
)
def test_saving_again_changes_nothing(
    ways: dict[str, str], cells: frozenset[tuple[int, int]], wanted: frozenset[Purpose]
) -> None:
    who, _ = saved(KNOWN, ways=ways, cells=cells, wanted=wanted)
    assert not list(changes(who, shown(who), as_it_is(shown(who))))
    assert {kind for kind, rank in shown(who).ways.items() if rank == NEVER} == {
        kind for kind, rank in ways.items() if rank == NEVER
    }


def test_the_order_of_channels_is_as_ranked_and_what_has_no_rank_is_not_listed() -> None:
    who, types = saved(KNOWN, ways={"email": "second", "sms": "first", "push": ANY})
    assert (who.channels, types) == (("sms", "email"), ["preference.set"])


def test_a_channel_that_the_form_does_not_show_keeps_its_place_behind() -> None:
    before = [*KNOWN, ("preference.set", {"channels": ["matrix", "email"]})]
    assert shown(folded(before)).ways["email"] == "first"
    who, _ = saved(before, ways={"email": "second", "sms": "first", "push": ANY})
    assert who.channels == ("sms", "email", "matrix")


def test_not_at_all_is_a_withdrawal_of_that_channel_and_can_be_taken_back() -> None:
    who, types = saved(KNOWN, ways={"email": ANY, "sms": NEVER, "push": ANY})
    assert types == ["consent.withdrawn"]
    assert refused(who, Purpose.SERVICE, "sms")
    assert not refused(who, Purpose.SERVICE, "email")
    stopped = [*KNOWN, ("consent.withdrawn", {"channel": "sms", "evidence": "STOP"})]
    back, types = saved(stopped, ways={"email": ANY, "sms": "first", "push": ANY})
    assert not refused(back, Purpose.SERVICE, "sms")
    assert types == ["preference.set", "consent.given"]


def test_what_was_chosen_more_finely_stays_until_it_is_unticked() -> None:
    before = [*KNOWN, ("preference.set", {"windows": [FINE, {"days": [5], "from": "08:00", "to": "12:00"}]})]
    (fine,) = shown(folded(before)).others
    assert shown(folded(before)).cells == {(5, 8), (5, 10)}
    who, _ = saved(before, cells=frozenset({(6, 8)}))
    assert {name_of(one) for one in who.windows} == {"6|08:00|10:00|", name_of(fine)}
    who, _ = saved(before, keep=frozenset())
    assert {name_of(one) for one in who.windows} == {"5|08:00|12:00|"}


def test_marketing_needs_a_yes_with_evidence_and_one_no_ends_it_everywhere() -> None:
    assert Purpose.MARKETING not in shown(folded(KNOWN)).wanted
    assert Purpose.RELATIONSHIP in shown(folded(KNOWN)).wanted
    who, types = saved(KNOWN, wanted=frozenset({Purpose.MARKETING}))
    assert types == ["consent.withdrawn", *["consent.given"] * 3]
    assert not refused(who, Purpose.MARKETING, "email")
    assert refused(who, Purpose.RELATIONSHIP, "email")
    agreed = [*KNOWN, *[("consent.given", {"purpose": "marketing", "channel": one, "evidence": "form"})
                        for one in ("email", "sms")]]  # fmt: skip
    who, types = saved(agreed, wanted=frozenset())
    assert types == ["consent.withdrawn"] * 2
    assert all(refused(who, Purpose.MARKETING, one) for one in ("email", "sms", "push"))
    assert not refused(who, Purpose.SERVICE, "email")


def test_the_language_they_chose_outlasts_what_a_nightly_import_says() -> None:
    who, _ = saved(KNOWN, language="en")
    assert (who.language, who.locale) == ("en", "en")
    later = folded([*KNOWN, ("preference.set", {"language": "en"}), ("customer.upserted", WHO)])
    assert later.locale == "en"
    assert folded([*KNOWN, ("customer.upserted", {"locale": "fr"})]).locale == "fr"
