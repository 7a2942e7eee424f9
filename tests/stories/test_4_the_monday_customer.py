"""Scene 4: Maria opens the app on Mondays from 7 to 9 pm, and at no other time."""

from pathlib import Path

import pytest

from tests.builders import event
from tests.stories.telling import HERE, car, maria_waits, tell

MONDAYS = event(
    "customer.habit", "maria", "2026-03-02 10:00",
    windows=[{"days": "mon", "from": "19:00", "to": "21:00", "channel": "push"}],
)  # fmt: skip
MARIA = maria_waits("2026-03-14", on="2026-03-10 10:00", devices=["phone-1"])
ON_SATURDAY = car("milestone.reached", "2026-03-14 10:20", milestone="arrived")
OURS = "timing: {at: preferred, within: 14h, stale_after: 2d}"
PATIENT = "timing: {at: preferred, within: 6d, stale_after: 6d, unless_active: true}"


@pytest.fixture
def patient(tmp_path: Path) -> Path:
    """The rules as they are, but an arrival is news for six days, and none to who has looked."""
    text = (HERE / "rules" / "new-car.yaml").read_text(encoding="utf-8")
    assert OURS in text
    (tmp_path / "new-car.yaml").write_text(text.replace(OURS, PATIENT), encoding="utf-8")
    return tmp_path


def active(time: str) -> dict[str, object]:
    return event("customer.active", "maria", time, surface="app")


def test_she_gets_a_push_on_monday_half_an_hour_before_she_stops_looking(patient: Path) -> None:
    told = tell(MARIA, MONDAYS, ON_SATURDAY, until="2026-03-17 00:00", rules=patient)

    assert told.transcript() == "2026-03-16 20:30  customer  push   arrived"


def test_she_gets_none_if_she_logged_on_by_then(patient: Path) -> None:
    told = tell(
        MARIA, MONDAYS, ON_SATURDAY, active("2026-03-16 19:40"), until="2026-03-17 00:00", rules=patient
    )

    assert told.transcript() == ""
    assert told.why("arrived", "suppressed") == "the customer was active on Mon 2026-03-16 19:40"


def test_that_she_logged_on_the_day_before_does_not_count(patient: Path) -> None:
    told = tell(
        MARIA, MONDAYS, ON_SATURDAY, active("2026-03-15 10:00"), until="2026-03-17 00:00", rules=patient
    )

    assert told.transcript() == "2026-03-16 20:30  customer  push   arrived"


def test_that_she_opened_a_mail_is_no_look_into_the_app_where_the_rule_names_it(patient: Path) -> None:
    rules = patient / "new-car.yaml"
    text = rules.read_text(encoding="utf-8")
    rules.write_text(text.replace("unless_active: true", "unless_active: [app]"), encoding="utf-8")
    opened = event("customer.active", "maria", "2026-03-16 19:30", surface="email")

    told = tell(MARIA, MONDAYS, ON_SATURDAY, opened, until="2026-03-17 00:00", rules=patient)
    assert told.transcript() == "2026-03-16 20:30  customer  push   arrived"

    looked = tell(
        MARIA, MONDAYS, ON_SATURDAY, opened, active("2026-03-16 19:40"),
        until="2026-03-17 00:00", rules=patient,
    )  # fmt: skip
    assert looked.transcript() == ""
    assert looked.why("arrived", "suppressed") == "the customer was active (app) on Mon 2026-03-16 19:40"


def test_nobody_writes_on_monday_morning_that_there_is_no_news_while_the_news_waits_for_the_evening(
    patient: Path,
) -> None:
    waits = maria_waits("2026-03-14", on="2026-03-02 09:00", devices=["phone-1"])

    told = tell(waits, MONDAYS, ON_SATURDAY, until="2026-03-17 00:00", rules=patient)

    assert told.transcript() == "2026-03-16 20:30  customer  push   arrived"
    assert told.why("quiet-update", "cancelled").startswith("news waits to be said first: arrived, due Mon")


def test_a_message_that_is_useless_by_monday_goes_another_way() -> None:
    told = tell(MARIA, MONDAYS, ON_SATURDAY, until="2026-03-17 00:00")

    assert told.transcript() == "2026-03-14 10:20  customer  sms    arrived"
