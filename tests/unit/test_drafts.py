"""A draft of changed rules: nothing somebody wrote is lost, and nothing of somebody else's is overwritten."""

from datetime import UTC, datetime, time

import pytest

from orchestrator.drafting.drafts import Draft, names, put_back
from orchestrator.journey import On, Rule, Rung, Trigger
from orchestrator.ledger import RuleSet, RuleSetState
from orchestrator.literals import parse_duration
from orchestrator.views.rules import watches

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
IN_FORCE = {"car.yaml": "one", "parcel.yaml": "two"}


def draft(text: str | None = "mine", name: str = "car.yaml") -> Draft:
    return Draft(7).with_file(name, text, IN_FORCE.get(name), NOW)


def test_a_draft_says_what_would_be_in_force() -> None:
    assert draft().over(IN_FORCE) == {"car.yaml": "mine", "parcel.yaml": "two"}
    assert draft(None).over(IN_FORCE) == {"parcel.yaml": "two"}
    assert draft("new", "new.yaml").over(IN_FORCE) == {**IN_FORCE, "new.yaml": "new"}


def test_what_is_put_back_is_no_change() -> None:
    assert draft().with_file("car.yaml", "one", "one", NOW).files == {}


def test_a_file_that_somebody_else_changed_meanwhile_is_named_until_one_decides() -> None:
    now = {**IN_FORCE, "car.yaml": "theirs"}

    assert draft().overtaken(IN_FORCE) == []
    assert draft().overtaken(now) == ["car.yaml"]
    later = draft().with_file("car.yaml", "mine again", "theirs", NOW)
    assert later.overtaken(now) == ["car.yaml"], "to go on writing decides nothing"
    assert later.rebased("car.yaml", "theirs").overtaken(now) == []
    assert draft("theirs").overtaken(now) == [], "both wrote the same"


def test_an_old_version_becomes_a_draft_of_every_file_that_differs() -> None:
    sources = {"rules/car.yaml": "before", "rules/gone.yaml": "was here", "settings": "{}"}
    then = RuleSet(3, "d", sources, RuleSetState.REPLACED, NOW)

    found = put_back(Draft(7), then, IN_FORCE, "rules", NOW)
    assert found.over(IN_FORCE) == {"car.yaml": "before", "gone.yaml": "was here"}
    assert names(found, IN_FORCE) == ["car.yaml", "gone.yaml", "parcel.yaml"]


@pytest.mark.parametrize(
    ("trigger", "words"),
    [
        (Trigger(On.REACHED, "handed_over"), "when handed over happens"),
        (Trigger(On.MISSED, "arrived", by=parse_duration("2bd")),
         "when arrived has not happened 2 business days after its promise"),
        (Trigger(On.MISSED, "arrived", closes=time(17, 30)),
         "when arrived has not happened by 17:30 on the promised day"),
        (Trigger(On.UPCOMING, "arrived", before=parse_duration("1d"), at=time(18)),
         "1 day before arrived is due, at 18:00"),
        (Trigger(On.UPCOMING, "arrived", at=time(16)), "on the day arrived is promised for, at 16:00"),
        (Trigger(On.AFTER, "arrived", by=parse_duration("3h")), "3 hours after arrived"),
        (Trigger(On.MOVED, "arrived", by=parse_duration("1d12h"), direction="later"),
         "when arrived is promised for another time by 1d12h or more, later"),
        (Trigger(On.STUCK, "any", for_=parse_duration("5d")),
         "when nothing happens for 5 days after the last milestone"),
        (Trigger(On.SILENT, for_=parse_duration("2w")), "when nobody has said anything for 2 weeks"),
        (Trigger(On.RETRACTED, "arrived"), "when arrived is taken back"),
        (Trigger(On.EVENT, event="delivery.at_neighbour"), "when delivery.at_neighbour is heard"),
    ],
    ids=lambda given: given.on.value if isinstance(given, Trigger) else "",
)  # fmt: skip
def test_every_trigger_is_said_in_words(trigger: Trigger, words: str) -> None:
    assert watches(Rule("one", "car", trigger, (Rung("word"),))) == words
