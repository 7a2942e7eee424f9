"""What the law says for one recipient, and the file it is read from."""

from collections.abc import Mapping
from datetime import date, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from holidays.registry import COUNTRIES

from orchestrator.config import quiet_hours
from orchestrator.journey import BusinessCalendar
from orchestrator.model import Customer, Notification, Person, Purpose
from orchestrator.timing.law import clocks, hours, place_of
from tests.builders import BERLIN, at, car_order, event, maria, reached
from tests.deciding import Told, book, decide, one

LAW = quiet_hours.law()
OPT_IN = event("consent.given", "C-1", "2026-03-01 09:00", purpose="marketing", evidence="form")


def week(calendar: BusinessCalendar | None) -> list[str]:
    """Monday to Friday, Saturday and Sunday, as FACTS writes them."""
    assert calendar is not None
    assert len({calendar.hours.get(day) for day in range(5)}) == 1
    spans = (calendar.hours.get(day) for day in (0, 5, 6))
    return ["-" if span is None else f"{span[0]:%H:%M}-{span[1]:%H:%M}" for span in spans]


# ── the hours ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("country", "region", "expected"),
    [
        ("US", "NY", ["08:00-21:00", "08:00-21:00", "08:00-21:00"]),  # federal alone
        ("US", "FL", ["08:00-20:00", "08:00-20:00", "08:00-20:00"]),
        ("US", "CT", ["09:00-20:00", "09:00-20:00", "09:00-20:00"]),
        ("US", "TX", ["09:00-21:00", "09:00-21:00", "12:00-21:00"]),
        ("US", "RI", ["09:00-18:00", "10:00-17:00", "10:00-17:00"]),
        ("US", "KY", ["10:00-21:00", "10:00-21:00", "10:00-21:00"]),
        ("US", "", ["10:00-18:00", "10:00-17:00", "12:00-17:00"]),  # the state is not known: the intersection
        ("FR", "", ["08:00-20:00", "08:00-20:00", "-"]),
    ],
)
def test_marketing_by_sms_keeps_to_the_hours_of_the_place(
    country: str, region: str, expected: list[str]
) -> None:
    assert week(hours(LAW, country, region, Purpose.MARKETING, "sms")) == expected


@pytest.mark.parametrize(
    ("country", "purpose", "channel"),
    [
        ("GB", Purpose.MARKETING, "sms"),
        ("DE", Purpose.MARKETING, "sms"),
        ("US", Purpose.SERVICE, "sms"),
        ("US", Purpose.MARKETING, "email"),
        ("", Purpose.MARKETING, "sms"),
    ],
)
def test_where_the_law_names_no_hours_there_are_none(country: str, purpose: Purpose, channel: str) -> None:
    assert hours(LAW, country, "", purpose, channel) is None


def test_a_french_holiday_is_closed() -> None:
    france = hours(LAW, "FR", "", Purpose.MARKETING, "sms")

    assert france is not None
    assert date(2026, 7, 14) in france.holidays
    assert date(2026, 7, 15) not in france.holidays


# ── the place ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("who", "zone", "place"),
    [
        (Customer("C-1", country="US", region="TX"), BERLIN, ("US", "TX")),
        (Customer("C-1", country="US", region="us-tx"), BERLIN, ("US", "TX")),
        (Customer("C-1", country="US", region="Texas"), BERLIN, ("US", "")),  # a name: taken at its strictest
        (Customer("C-1", country="US", region="FLA"), BERLIN, ("US", "")),  # is no state
        (Customer("C-1", country="CA", region="QC"), BERLIN, ("CA", "QC")),  # its parts are not listed
        (Customer("C-1", country="US"), BERLIN, ("US", "")),
        (Customer("C-1"), "America/Chicago", ("US", "")),
        (Customer("C-1"), "UTC", ("", "")),
        (Person("Jonas Weber"), "Europe/Paris", ("FR", "")),
    ],
)
def test_where_somebody_is_follows_from_country_and_region_or_else_from_the_clocks(
    who: Customer | Person, zone: str, place: tuple[str, str]
) -> None:
    assert place_of(who, zone, LAW) == place


def test_whose_zone_is_not_known_may_live_in_any_of_their_country() -> None:
    assert {"America/New_York", "Pacific/Honolulu"} <= set(clocks(BERLIN, "US", LAW))
    assert clocks(BERLIN, "PL", LAW) == ("Europe/Warsaw",)
    assert clocks(BERLIN, "", LAW) == (BERLIN,)


# ── when a message leaves ────────────────────────────────────────────────────


def news(
    customer: Told, arrives: str, *, channel: str = "sms", purpose: str = "marketing", at_: str = "now"
) -> Notification:
    rule = (
        f"{{id: n, on: {{reached: arrived}}, say: n, channels: [{channel}], purpose: {purpose}, "
        f"timing: {{at: {at_}, within: 14d}}}}"
    )
    rules = book(rule, law=LAW)
    here = reached("O-1", "arrived", arrives)
    return one(decide(rules, car_order(), customer, OPT_IN, here, now=arrives, known=False))


def lives(**where: Any) -> Told:
    return maria(**{"time_zone": "", "country": ""} | where)


def test_the_law_of_the_state_keeps_marketing_back_on_a_sunday_morning() -> None:
    texan = lives(country="US", region="TX", time_zone="America/Chicago")
    waits = news(texan, "2026-03-15 15:00")  # 9:00 in Chicago

    assert waits.due_at == at("2026-03-15 12:00", "America/Chicago")
    assert waits.steps[0].why == "outside the hours the law allows marketing by sms in US-TX"


def test_service_and_mail_do_not_wait_for_it() -> None:
    texan = lives(country="US", region="TX", time_zone="America/Chicago")

    assert news(texan, "2026-03-15 15:00", purpose="service").due_at == at("2026-03-15 15:00")
    assert news(texan, "2026-03-15 15:00", channel="email").due_at == at("2026-03-15 15:00")


def test_in_a_country_of_several_zones_marketing_waits_for_hours_allowed_in_all_of_them() -> None:
    """A Texan whose clocks nobody knows: nine in Honolulu is the first hour allowed everywhere."""
    waits = news(lives(country="US", region="TX"), "2026-03-12 12:00")

    assert waits.due_at == at("2026-03-12 09:00", "Pacific/Honolulu")
    assert waits.steps[0].why == (
        "outside the hours the law allows marketing by sms in US-TX "
        "(allowed all over US: their own time zone is not known)"
    )


def test_service_to_the_same_customer_goes_by_the_orders_clocks() -> None:
    rule = "{id: n, on: {reached: arrived}, say: n, channels: [sms], timing: {within: 2d}}"
    rules = book(rule, head='hours: "08:00-20:00"', law=LAW)
    here = reached("O-1", "arrived", "2026-03-12 22:00")
    told = (car_order(), lives(country="US"), here)
    waits = one(decide(rules, *told, now="2026-03-12 22:00", known=False))

    assert waits.due_at == at("2026-03-13 08:00")
    assert waits.steps[0].why == (
        "outside the default hours (by the clocks of Europe/Berlin: their own time zone is not known)"
    )


def test_a_zone_nobody_knows_counts_as_none() -> None:
    waits = news(lives(country="US", region="TX", time_zone="Central Time"), "2026-03-12 12:00")

    assert waits.due_at == at("2026-03-12 09:00", "Pacific/Honolulu")
    assert waits.steps[0].why.endswith("(allowed all over US: their own time zone is none that we know)")


def test_with_country_and_zone_unknown_the_orders_country_decides() -> None:
    assert news(lives(), "2026-03-12 22:00").due_at == at("2026-03-12 22:00")  # Germany names no hours


def test_policy_and_law_must_both_allow_it() -> None:
    rules = book(
        "{id: n, on: {reached: arrived}, say: n, channels: [sms], purpose: marketing, "
        "timing: {at: now, within: 9d}}",
        law=LAW,
        quiet={Purpose.MARKETING: (time(19), time(11))},
    )
    here = reached("O-1", "arrived", "2026-03-13 23:00")  # a Friday
    parisian = lives(country="FR", time_zone="Europe/Paris")
    waits = one(decide(rules, car_order(), parisian, here, now="2026-03-13 23:00", known=False))

    assert waits.due_at == at("2026-03-14 11:00")


@pytest.mark.parametrize(
    "arrives", [f"2026-06-0{day} {hour:02}:00" for day in range(1, 8) for hour in (3, 19)]
)
def test_whatever_the_hour_it_is_allowed_in_every_zone_of_the_country(arrives: str) -> None:
    texas = hours(LAW, "US", "TX", Purpose.MARKETING, "sms")
    assert texas is not None
    due = news(lives(country="US", region="TX"), arrives).due_at
    for zone in clocks(BERLIN, "US", LAW):
        wall = due.astimezone(ZoneInfo(zone))
        opens, closes = texas.hours[wall.weekday()]
        assert opens <= wall.time() < closes, zone


# ── the file ─────────────────────────────────────────────────────────────────


def test_every_hour_of_the_law_says_where_it_is_written_and_when_somebody_looked() -> None:
    assert all(one.source.startswith("https://") and one.checked.year >= 2026 for one in LAW.hours)


def test_the_holidays_of_every_country_that_may_be_named_are_known() -> None:
    assert LAW.zones.keys() <= {names[1] for names in COUNTRIES.values()}


RIGHT: Mapping[str, str] = {
    "purposes": '["marketing"]',
    "channels": '["sms"]',
    "daily": '"09:00-20:00"',
    "source": '"https://law.example/at"',
    "checked": "2026-11-22",
}


def own(tmp_path: Path, name: str = "AT", **values: str) -> Path:
    lines = [f"{key} = {value}" for key, value in {**RIGHT, **values}.items() if value]
    file = tmp_path / f"{abs(hash((name, *values.items())))}.toml"
    file.write_text("\n".join([f"[{name}]", *lines]))
    return file


def test_a_company_may_put_a_file_of_its_own_in_the_place_of_ours(tmp_path: Path) -> None:
    law = quiet_hours.law(own(tmp_path, daily='"09:00-20:00"', sun='"12:00-18:00"'))

    assert week(hours(law, "AT", "", Purpose.MARKETING, "sms")) == [
        "09:00-20:00",
        "09:00-20:00",
        "12:00-18:00",
    ]
    assert hours(law, "US", "", Purpose.MARKETING, "sms") is None


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("XX", {}, "[XX]: no country has the ISO 3166 code 'XX'"),
        ("AT", {"daily": '"20:00-09:00"'}, "end before they begin"),
        ("AT", {"daily": ""}, "never allows anything"),
        ("AT", {"purposes": '["adverts"]'}, "no purpose called 'adverts'"),
        ("AT", {"purposes": '"marketing"'}, "purposes must be a list of texts"),
        ("AT", {"source": ""}, "source must be a text"),
        ("AT", {"checked": '"yesterday"'}, "checked must be a date"),
        ("AT", {"weekday": '"09:00-20:00"'}, "did you mean 'weekdays'?"),
        ("AT-9", {"parts": '["9"]'}, "[AT-9]: only a country has parts"),
        ("AT", {"parts": '"9"'}, "parts must be a list of texts"),
    ],
)
def test_a_file_that_says_nothing_clear_is_refused(
    tmp_path: Path, name: str, values: dict[str, str], message: str
) -> None:
    with pytest.raises(quiet_hours.Unreadable) as refused:
        quiet_hours.law(own(tmp_path, name, **values))

    assert message in str(refused.value)


def test_hours_of_a_part_that_its_country_does_not_list_are_refused() -> None:
    said = 'purposes = ["marketing"]\ndaily = "08:00-20:00"\nsource = "x"\nchecked = 2026-11-22\n'
    with pytest.raises(quiet_hours.Unreadable, match="US has no part 'FLA'"):
        quiet_hours.read(f'[US-FLA]\n{said}[US]\nparts = ["FL"]\n{said}')


def test_a_file_that_is_missing_or_no_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(quiet_hours.Unreadable, match="cannot be read"):
        quiet_hours.law(tmp_path / "nowhere.toml")
    (tmp_path / "law.toml").write_text("[US")
    with pytest.raises(quiet_hours.Unreadable, match="not TOML"):
        quiet_hours.law(tmp_path / "law.toml")


def test_hours_that_the_law_leaves_to_the_end_of_the_day_end_where_the_stricter_end() -> None:
    both = quiet_hours.read(
        '[US]\npurposes = ["marketing"]\ndaily = "08:00-24:00"\nsource = "x"\nchecked = 2026-11-22\n'
        '[US-NY]\npurposes = ["marketing"]\nmon = "00:00-24:00"\ntue = "00:00-21:00"\nsource = "x"\n'
        "checked = 2026-11-22\n"
    )
    found = hours(both, "US", "NY", Purpose.MARKETING, "sms")
    assert found is not None
    assert found.hours == {0: (time(8), time()), 1: (time(8), time(21))}
