"""Rule files: what they become, and that every mistake is found where it stands."""

import json
import random
import subprocess
import sys
from dataclasses import replace
from datetime import time
from pathlib import Path
from textwrap import dedent, indent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import Misconfigured, Problem
from orchestrator.findings import Wrong
from orchestrator.journey import NOTHING, Duration, Journey, Mode, On, Policy, Rule, RuleBook, Rung, TaskSpec
from orchestrator.literals import hours_text, parse_hours, parse_time
from orchestrator.model import Purpose
from orchestrator.rules import json_schema, load, parse_duration, read
from orchestrator.rules.codes import RULE_CODES
from orchestrator.rules.positions import DEEPEST, LARGEST, Findings, parse

HERE = "»"  # in a test's text: the place a problem must name
ROOT = Path(__file__).parents[2]
TEMPLATES = {"new-car/arrived", "new-car/still-waiting", "shared/sorry", "shared/task"}
CHANNELS = ("email", "sms", "push")
HEADER = """\
version: 1
journey: new-car
attributes: {model: text, price: number, extras: list, registered: date, demo: flag, plate: text?}
phases:
  waiting: [ordered, arrived]
  handover: [prepared, collected]
"""


def rule_file(rules: str, header: str = HEADER) -> str:
    return header + "rules:\n" + indent(dedent(rules).strip("\n"), "  ") + "\n"


def checked(*texts: str) -> tuple[RuleBook, list[Problem]]:
    sources = {f"rules/{number}.yaml": text for number, text in enumerate(texts, start=1)}
    return load(sources, templates=TEMPLATES, channels=CHANNELS, policy=Policy())


def journey(text: str) -> Journey:
    book, problems = checked(text)
    assert problems == []
    (only,) = book.journeys.values()
    return only


def rule(text: str) -> Rule:
    (only,) = journey(rule_file(text)).rules
    return only


def minimal(on: str, then: str = "say: arrived") -> Rule:
    return rule(f"- {{id: it, on: {on}, {then}}}")


# ── what rules become ────────────────────────────────────────────────────────


def test_the_new_car_journey_loads_without_a_finding() -> None:
    sources = read(ROOT / "rules")
    book, problems = load(sources, channels=CHANNELS, policy=Policy())
    assert problems == []
    car = book.journeys["new-car"]
    assert car.milestones == (
        "ordered",
        "built",
        "shipped",
        "arrived",
        "prepared",
        "collected",
        "first_service",
    )
    assert car.hours == (time(8), time(20))
    assert car.promises == {"prepared": ("arrived", parse_duration("3bd"))}
    assert book.rule("arrived") is not None
    assert book.rule("arrived").tells == ("prepared",)  # type: ignore[union-attr]


def test_a_file_written_from_the_documents_alone_loads() -> None:
    sketch = """
        version: 1
        journey: flight
        attributes: {carrier: text, seats: number?}
        milestones: [scheduled, departed, landed]
        promises: {landed: departed + 2h}    # internal until somebody tells the customer
        rules:
          - id: late
            on: {missed: departed, by: 15m}
            say: late
            channels: [sms]
          - id: still-late
            on: {missed: departed, by: 1h}
            when: order.attributes.seats > 100 && late_by < duration("6h")
            rungs:
              - {say: late, task: {for: owner, do: call-the-customer, within: 4bh, then: manager}}
              - {after: 1bd, say: still-late}
              - {every: 3bd, say: still-waiting, at_most: 6}
          - {id: seen-off, on: {upcoming: departed, before: 1d, at: "18:00"}, say: x, tells: [departed]}
          - {id: asked, on: {event: com.example.asked}, say: x, to: neighbour, timing: {at: now}}
          - {id: quiet, on: {stuck: any, for: 21d}, task: {for: owner, do: look}, mode: shadow}
    """
    book, problems = load({"flight.yaml": dedent(sketch)}, templates=None, channels=None, policy=Policy())
    assert problems == []
    assert len(book.journeys["flight"].rules) == 5


def test_every_template_the_new_car_journey_names_is_there() -> None:
    templates = {f"{d.parent.name}/{d.name}" for d in (ROOT / "templates").glob("*/*") if d.is_dir()}
    _, problems = load(read(ROOT / "rules"), templates=templates, policy=Policy())
    assert problems == []


def test_rungs_keep_their_texts_people_and_times() -> None:
    found = rule("""
        - id: not-arrived
          on: {missed: arrived, closes: "17:30"}
          timing: {within: 3h}
          channels: [sms, email]
          rungs:
            - {say: arrived, task: {for: owner, do: call-the-customer, within: 4bh, then: manager}}
            - {after: 1bd, say: sorry}
            - {every: 3bd, say: still-waiting, at_most: 6}
    """)
    assert found.trigger.closes == time(17, 30)
    assert found.timing.within == parse_duration("3h")
    assert found.rungs == (
        Rung("arrived", TaskSpec("owner", "call-the-customer", parse_duration("4bh"), "manager")),
        Rung("sorry", after=parse_duration("1bd")),
        Rung("still-waiting", every=parse_duration("3bd"), at_most=6),
    )


def test_a_rule_without_rungs_has_one() -> None:
    assert minimal("{reached: arrived}").rungs == (Rung("arrived"),)
    tasked = minimal("{reached: arrived}", "task: {for: owner, do: call}")
    assert tasked.rungs == (Rung(task=TaskSpec("owner", "call")),)


def test_what_a_rule_says_itself_is_its_first_rung() -> None:
    found = minimal("{stuck: any, for: 21d}", "say: arrived, rungs: [{after: 1d, say: sorry}]")
    assert [rung.say for rung in found.rungs] == ["arrived", "sorry"]


def test_a_template_may_be_named_with_its_folder() -> None:
    assert minimal("{reached: arrived}", "say: new-car/arrived").rungs == (Rung("arrived"),)
    assert minimal("{reached: arrived}", "say: shared/sorry").rungs == (Rung("sorry"),)


def test_every_without_at_most_goes_on_for_long_but_not_for_ever() -> None:
    found = minimal("{missed: arrived}", "rungs: [{say: arrived}, {every: 3bd, say: still-waiting}]")
    assert found.rungs[1].at_most == 100


def test_what_is_left_out_has_a_plain_default() -> None:
    found = minimal("{reached: arrived}")
    assert (found.to, found.purpose, found.mode, found.channels) == (
        "customer",
        Purpose.SERVICE,
        Mode.LIVE,
        (),
    )
    assert (found.timing.at, found.timing.within, found.catch_up, found.when) == (
        "preferred",
        None,
        False,
        None,
    )


@pytest.mark.parametrize(
    ("on", "trigger", "values"),
    [
        ("{reached: arrived}", On.REACHED, {"milestone": "arrived"}),
        ("{missed: arrived, by: 15m}", On.MISSED, {"by": "15m"}),
        ("{missed: arrived, by: 0d}", On.MISSED, {"by": "0d"}),
        ("{upcoming: arrived, before: 0d, at: 16:00}", On.UPCOMING, {"before": "0d", "at": time(16)}),
        ("{upcoming: arrived, at: 16:00, before_closing: 2h}", On.UPCOMING, {"before_closing": "2h"}),
        ("{after: collected, by: 7d}", On.AFTER, {"by": "7d"}),
        ("{moved: arrived, by: 1d, settle: 2h}", On.MOVED, {"settle": "2h", "direction": "either"}),
        ("{moved: arrived, direction: later}", On.MOVED, {"direction": "later"}),
        ("{moved: arrived, later, by: 1d}", On.MOVED, {"direction": "later", "by": "1d"}),
        ("{moved: arrived, sooner: 2d}", On.MOVED, {"direction": "sooner", "by": "2d"}),
        ("{stuck: arrived, for: 3d}", On.STUCK, {"milestone": "arrived", "for_": "3d"}),
        ("{stuck: any, for: 21d}", On.STUCK, {"milestone": "any", "for_": "21d"}),
        ("{silent: 14d}", On.SILENT, {"milestone": "", "for_": "14d"}),
        ("{retracted: arrived}", On.RETRACTED, {"milestone": "arrived"}),
        ("{event: com.example.washed}", On.EVENT, {"milestone": "", "event": "com.example.washed"}),
    ],
)
def test_each_trigger_takes_its_own_parameters(on: str, trigger: On, values: dict[str, object]) -> None:
    found = minimal(on).trigger
    assert found.on is trigger
    for name, value in values.items():
        got = getattr(found, name)
        assert (str(got) if isinstance(got, Duration) else got) == value


def test_a_flat_list_of_milestones_is_one_phase() -> None:
    flight = journey("version: 1\njourney: flight\nmilestones: [scheduled, departed]\n")
    assert flight.phases == {"flight": ("scheduled", "departed")}
    assert flight.last == "departed"


def test_a_single_name_may_stand_where_a_list_may() -> None:
    found = minimal("{reached: arrived}", "say: arrived, channels: sms, tells: prepared, timing: now")
    assert (found.channels, found.tells, found.timing.at) == (("sms",), ("prepared",), "now")


def test_words_that_yaml_once_took_for_something_else_stay_words() -> None:
    text = "version: 1\njourney: NO\nattributes: {yes: text}\nphases: {on: [off, y]}\n"
    found = journey(text)
    assert (found.id, dict(found.attributes), dict(found.phases)) == (
        "NO",
        {"yes": "text"},
        {"on": ("off", "y")},
    )


def test_closes_and_relative_promises_are_read() -> None:
    found = journey(
        HEADER + "closes: prepared\npromises: {prepared: arrived+3bd, collected: prepared + 1d12h}\n"
    )
    assert found.last == "prepared"
    assert found.promises["collected"] == ("prepared", parse_duration("1d12h"))


def test_journeys_may_be_spread_over_files() -> None:
    book, problems = checked(HEADER, "version: 1\njourney: flight\nmilestones: [departed]\n")
    assert problems == []
    assert list(book.journeys) == ["new-car", "flight"]


def test_a_rule_knows_where_it_was_written() -> None:
    found = minimal("{reached: arrived}")
    assert (found.path, found.line) == ("rules/1.yaml", 8)


# ── durations, times, hours ──────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("15m", Duration(seconds=900, text="15m")),
        ("6h", Duration(seconds=21_600, text="6h")),
        ("2d", Duration(days=2, text="2d")),
        ("1w", Duration(days=7, text="1w")),
        ("3bd", Duration(business_days=3, text="3bd")),
        ("4bh", Duration(business_minutes=240, text="4bh")),
        ("1d12h", Duration(days=1, seconds=43_200, text="1d12h")),
        (" 1d 12h ", Duration(days=1, seconds=43_200, text="1d12h")),
        ("0d", NOTHING),
    ],
)
def test_durations_are_read_as_people_write_them(text: str, duration: Duration) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ("2 hours", "R020", "write 2h"),
        ("3 business days", "R020", "write 3bd"),
        ("6", "R020", "say of what: 6m, 6h, 6d, 6bd"),
        ("-1d", "R020", "write how long, not when"),
        ("1.5h", "R020", "write whole parts: 1h30m, 1d12h"),
        ("", "R020", "write a number"),
        ("1mo", "R021", "count days or weeks: 30d, 4w"),
        ("3 months", "R021", "count days or weeks: 30d, 4w"),
        ("1y", "R021", "count days or weeks: 30d, 4w"),
        ("2M", "R021", "count days or weeks: 30d, 4w"),
        ("99999999d", "R020", ""),
        ("9" * 5000 + "d", "R020", ""),
    ],
)
def test_what_is_no_duration_says_how_to_write_one(text: str, code: str, hint: str) -> None:
    with pytest.raises(Wrong) as caught:
        parse_duration(text)
    assert caught.value.code == code
    assert caught.value.hint.startswith(hint)


@given(
    st.lists(
        st.tuples(st.integers(0, 99), st.sampled_from(["w", "d", "h", "m", "s", "bd", "bh"])), min_size=1
    )
)
def test_a_duration_is_the_sum_of_its_parts(parts: list[tuple[int, str]]) -> None:
    whole = parse_duration("".join(f"{number}{unit}" for number, unit in parts))
    each = [parse_duration(f"{number}{unit}") for number, unit in parts]
    for name in ("days", "business_days", "business_minutes", "seconds"):
        assert getattr(whole, name) == sum(getattr(part, name) for part in each)


@pytest.mark.parametrize(
    ("text", "hint"),
    [("5pm", "write 17:00"), ("12 am", "write 00:00"), ("17.30", "write 17:30"), ("24:00", "the day ends")],
)
def test_a_time_is_on_the_24_hour_clock(text: str, hint: str) -> None:
    assert parse_time("7:05") == time(7, 5)
    with pytest.raises(Wrong) as caught:
        parse_time(text)
    assert caught.value.hint.startswith(hint)


def test_hours_lie_within_one_day() -> None:
    assert parse_hours("08:00 – 20:00") == (time(8), time(20))
    for wrong in ("20:00-08:00", "00:00-00:00", "24:00-08:00", "20:00-24:30"):
        with pytest.raises(Wrong):
            parse_hours(wrong)


@pytest.mark.parametrize("written", ["00:00-24:00", "18:00-24:00", "08:30-20:00"])
def test_hours_may_end_with_the_day_and_are_written_as_they_are_read(written: str) -> None:
    assert hours_text(*parse_hours(written)) == written


# ── mistakes ─────────────────────────────────────────────────────────────────

IN_RULES = [
    ("R005", "- {id: a, on: {silent: 14d}, say: »*other}"),
    ("R005", "- {id: a, on: {silent: 14d}, say: »&other arrived}"),
    ("R006", "- {id: a, on: {silent: 14d}, say: »!!python/name:os.system x}"),
    ("R007", "- id: a\n  »id: b\n  on: {silent: 14d}\n  say: arrived"),
    ("R008", "- {id: a, on: " + "[" * (DEEPEST - 3) + "»[" + "]" * (DEEPEST - 2) + "}"),
    ("R010", "- {id: a, on: {reached: arrived}, say: arrived, »chanels: [sms]}"),
    ("R010", "- {id: a, on: {reached: arrived, »whithin: 3h}, say: arrived}"),
    ("R010", "- {id: a, on: {reached: arrived}, say: arrived, timing: {»windin: 3h}}"),
    ("R011", "- »{on: {reached: arrived}, say: arrived}"),
    ("R011", "- »id: a\n  say: arrived"),
    ("R011", "- {id: a, on: {reached: arrived}, task: »{for: owner}}"),
    ("R011", "- {id: a, on: »{stuck: arrived}, say: arrived}"),
    ("R011", "- {id: a, on: »{after: arrived}, say: arrived}"),
    ("R012", "- {id: a, on: {reached: arrived}, say: arrived, channels: [sms, »emial]}"),
    ("R013", "- »just a text"),
    ("R013", "- {id: a, on: »reached arrived, say: arrived}"),
    ("R013", "- {id: a, on: {reached: arrived}, say: »[]}"),
    ("R013", "- {id: a, on: {reached: arrived}, »say: }"),
    ("R013", "- {id: a, on: {reached: arrived}, say: arrived, channels: »{sms: 1}}"),
    ("R013", "- {id: a, on: {reached: arrived}, say: arrived, catch_up: »yes}"),
    ("R013", "- {id: a, on: {silent: 14d}, rungs: [{say: arrived}, {every: 1d, at_most: »0, say: sorry}]}"),
    ("R013", "- {id: a, on: {silent: 14d}, rungs: »{say: arrived}}"),
    ("R013", "- id: a\n  on: {silent: 14d}\n  say: arrived\n  ? »[x]\n  : y"),
    ("R014", "- {id: a, on: {reached: »arived}, say: arrived}"),
    ("R014", "- {id: a, on: {stuck: »every, for: 3d}, say: arrived}"),
    ("R014", "- {id: a, on: {reached: arrived}, say: arrived, tells: [»preparred]}"),
    ("R015", "- {id: a, on: {reached: arrived}, say: »arived}"),
    ("R015", "- {id: a, on: {reached: arrived}, say: »shared/arrived}"),
    ("R015", "- {id: a, on: {silent: 14d}, rungs: [{say: arrived}, {after: 1d, say: »sory}]}"),
    ("R015", "- {id: a, on: {reached: arrived}, task: {for: owner, do: »still-watin}}"),
    ("R019", "- {id: a, on: {event: »order.upsertd}, say: arrived}"),
    ("R019", "- {id: a, on: {event: »feedback.givn}, say: arrived}"),
    ("R019", "- {id: a, on: {moved: arrived, »latr, by: 1d}, say: arrived}"),
    ("R016", "- {id: a, on: {»reachd: arrived}, say: arrived}"),
    ("R016", "- {id: a, on: »{}, say: arrived}"),
    ("R016", "- {id: a, on: »{by: 3d}, say: arrived}"),
    ("R017", "- {id: a, on: {reached: arrived, »missed: arrived}, say: arrived}"),
    ("R018", "- {id: a, on: {upcoming: arrived, »by: 3d}, say: arrived}"),
    ("R018", "- {id: a, on: {reached: arrived, »closes: '17:30'}, say: arrived}"),
    ("R018", "- {id: a, on: {silent: 14d, »for: 3d}, say: arrived}"),
    ("R018", "- {id: a, on: {upcoming: arrived, »before_closing: 2h}, say: arrived}"),
    ("R018", "- {id: a, on: {missed: arrived, »before_closing: 2h}, say: arrived}"),
    ("R019", "- {id: a, on: {reached: arrived}, say: arrived, purpose: »sevice}"),
    ("R019", "- {id: a, on: {reached: arrived}, say: arrived, mode: »test}"),
    ("R019", "- {id: a, on: {moved: arrived, direction: »latter}, say: arrived}"),
    ("R020", "- {id: a, on: {missed: arrived, by: »2 hours}, say: arrived}"),
    ("R020", "- {id: a, on: {silent: »-14d}, say: arrived}"),
    ("R021", "- {id: a, on: {after: collected, by: »6 months}, say: arrived}"),
    ("R022", "- {id: a, on: {missed: arrived, closes: »5pm}, say: arrived}"),
    ("R022", "- {id: a, on: {reached: arrived}, say: arrived, timing: {at: »soon}}"),
    ("R024", "- {id: »'new/car', on: {reached: arrived}, say: arrived}"),
    ("R027", "- {id: a, on: {reached: arrived}, say: arrived, to: »custommer}"),
    ("R027", "- {id: a, on: {reached: arrived}, task: {for: owner, do: call, then: »manger}}"),
    ("R030", "- {id: a, on: {reached: arrived}, say: arrived, when: order.id »= 3}"),
    ("R031", "- {id: a, on: {missed: arrived}, say: arrived, when: late_by »> 3}"),
    (
        "R032",
        "- {id: a, on: {reached: arrived}, say: arrived, when: hour > 3 && »order.attributes.modl == 'x'}",
    ),
    ("R033", "- {id: a, on: {reached: arrived}, say: arrived, when: »order.id}"),
    ("R034", "- {id: a, on: {reached: arrived}, say: arrived, when: has(»order.attributes.plate)}"),
    ("R035", "- {id: a, on: {reached: arrived}, say: arrived, when: " + "(" * 32 + "»(true" + ")" * 33 + "}"),
    ("R036", "- {id: a, on: {missed: arrived}, say: arrived, when: 'late_by > duration(»\"2 days\")'}"),
    ("R037", "- {id: a, on: {reached: arrived}, say: arrived, when: 'order.status != »\"closed\"'}"),
    ("R037", "- {id: a, on: {reached: arrived}, say: arrived, when: '»\"Monday\" == weekday'}"),
    ("R037", "- {id: a, on: {stuck: any, for: 3d}, say: arrived, when: 'milestone.name == »\"arived\"'}"),
    ("R037", '- {id: a, on: {silent: 14d}, say: sorry, when: \'order.phase in ["waiting", »"hand"]\'}'),
    ("R037", "- {id: a, on: {reached: arrived}, say: arrived, when: 'order.journey == »\"new-cars\"'}"),
    ("R037", "- {id: a, on: {event: promise.made}, say: sorry, when: 'event.data.milestone == »\"arive\"'}"),
    ("R037", "- {id: a, on: {event: consent.given}, say: sorry, when: 'event.data.purpose == »\"ads\"'}"),
    ("R037", "- {id: a, on: {event: contact.logged}, say: sorry, when: 'event.data.direction != »\"to\"'}"),
    ("R037", "- {id: a, on: {event: message.replied}, say: sorry, when: 'event.data.channel == »\"emial\"'}"),
    ("R032", "- {id: a, on: {event: milestone.reached}, say: sorry, when: '»event.data.milestne == \"x\"'}"),
    ("R032", "- {id: a, on: {event: feedback.given}, say: sorry, when: 'has(»event.data.coment)'}"),
    ("R032", "- {id: a, on: {event: feedback.given}, say: sorry, when: 'event.data[»\"scor\"] < 3'}"),
    ("R032", "- {id: a, on: {event: feedback.given}, say: sorry, when: '»\"phse\" in event.data'}"),
    ("R032", "- {id: a, on: {event: feedback.given}, say: sorry, when: '»event.subject == \"x\"'}"),
    (
        "R037",
        "- {id: a, on: {event: feedback.given}, say: sorry, when: '»\"feedbak.given\" in order.events'}",
    ),
    ("R037", "- {id: a, on: {reached: arrived}, say: arrived, when: 'order.events[»\"contact.loged\"] > 2'}"),
    ("R037", "- {id: a, on: {event: preference.set}, say: sorry, when: '»\"sm\" in event.data.channels'}"),
    ("R037", "- {id: a, on: {event: a.b}, say: sorry, when: 'event.type == »\"a.c\"'}"),
    ("R037", "- {id: a, on: {reached: arrived}, say: arrived, when: 'weekday != \"sunday\" && »hour >= 24'}"),
    ("R037", "- {id: a, on: {reached: arrived}, say: arrived, when: 'weekday != \"sunday\" && »25 <= hour'}"),
    (
        "R037",
        "- {id: a, on: {reached: arrived}, say: arrived, when: '»hour < 24.5 || promise.told'}",
    ),
    ("R038", "- {id: a, on: {reached: arrived}, say: arrived, when: '»late_by > duration(\"2h\")'}"),
    ("R038", "- {id: a, on: {silent: 14d}, say: arrived, when: '»promise.version > 1'}"),
    ("R038", "- {id: a, on: {event: order.held}, say: sorry, when: '»milestone.reached'}"),
    ("R038", "- {id: a, on: {reached: arrived}, say: arrived, when: 'hour > 3 || »event.data.x == 1'}"),
    ("R049", "- {id: a, on: {silent: »0d}, say: arrived}"),
    ("R049", "- {id: a, on: {stuck: arrived, for: »0d}, say: arrived}"),
    ("R049", "- {id: a, on: {reached: arrived}, say: arrived, timing: {within: »0h}}"),
    ("R049", "- {id: a, on: {reached: arrived}, say: arrived, timing: {stale_after: »0bd}}"),
    ("R049", "- {id: a, on: {reached: arrived}, task: {for: owner, do: call, within: »0bh, then: manager}}"),
    ("R049", "- {id: a, on: {reached: arrived}, say: arrived, combine: »0h}"),
    ("R060", "- {id: a, on: {reached: arrived}, say: arrived, channels: »[]}"),
    ("R062", "- {id: a, on: {reached: arrived}, say: arrived, to: »[]}"),
    ("R037", "- {id: a, on: {reached: arrived}, say: arrived, when: '»\"shiped\" in order.reached'}"),
    (
        "R038",
        "- {id: a, on: {silent: 1d}, rungs: [{say: arrived}, {after: 1d, say: sorry, when: »event.count>1}]}",
    ),
    ("R062", "- {id: a, on: {reached: arrived}, say: arrived, to: [customer, co-buyer, »customer]}"),
    ("R061", "- {id: a, on: {reached: arrived}, task: {for: owner, do: call}, »combine: 2h}"),
    ("R060", "- {id: a, on: {reached: arrived}, say: arrived, channels: [sms, email, »sms]}"),
    ("R063", "- {id: a, on: {reached: arrived}, say: arrived, until: »delivered}"),
    ("R063", "- {id: a, on: {reached: arrived}, say: arrived, »fallback_after: 2h}"),
    ("R063", "- {id: a, on: {reached: arrived}, say: arrived, until: accepted, »fallback_after: 2h}"),
    (
        "R064",
        "- {id: a, on: {reached: arrived}, task: {for: owner, do: x}, until: opened, »fallback_after: 2h}",
    ),
    ("R049", "- {id: a, on: {reached: arrived}, say: arrived, until: opened, fallback_after: »0h}"),
    ("R019", "- {id: a, on: {reached: arrived}, say: arrived, until: »delivert, fallback_after: 2h}"),
    ("R019", "- {id: a, on: {reached: arrived}, say: arrived, until: »{sms: delivert}, fallback_after: 2h}"),
    (
        "R012",
        "- {id: a, on: {reached: arrived}, say: arrived, until: {»smss: delivered}, fallback_after: 2h}",
    ),
    (
        "R063",
        "- {id: a, on: {silent: 9d}, say: sorry, channels: sms, until: {»push: opened}, fallback_after: 1h}",
    ),
    ("R063", "- {id: a, on: {reached: arrived}, say: arrived, until: »{sms: delivered}}"),
    ("R040", "- »{id: a, on: {reached: arrived}}"),
    ("R040", "- {id: a, on: {silent: 14d}, rungs: [{say: arrived}, »{after: 3d}]}"),
    ("R040", "- {id: a, on: {silent: 14d}, rungs: »[]}"),
    ("R041", "- {id: a, on: {reached: arrived}, »rungs: [{say: arrived}]}"),
    ("R042", "- {id: a, on: {silent: 14d}, rungs: [{say: arrived, »after: 1d}]}"),
    ("R043", "- {id: a, on: {silent: 14d}, rungs: [{say: arrived}, »{say: sorry}]}"),
    ("R043", "- {id: a, on: {silent: 14d}, say: arrived, rungs: [»{say: sorry}]}"),
    ("R044", "- {id: a, on: {silent: 14d}, rungs: [{say: arrived}, {say: sorry, after: »0d}]}"),
    (
        "R044",
        "- {id: a, on: {silent: 9d}, say: sorry, rungs: [{say: sorry, after: 2d}, {say: sorry, after: »9h}]}",
    ),
    ("R044", "- {id: a, on: {silent: 14d}, rungs: [{say: arrived}, {say: sorry, every: »0h}]}"),
    ("R045", "- {id: a, on: {silent: 14d}, rungs: [{say: arrived}, {say: sorry, after: 1d, »at_most: 3}]}"),
    (
        "R046",
        "- {id: a, on: {silent: 9d}, say: sorry, rungs: [{say: sorry, »every: 1d}, {say: sorry, after: 9d}]}",
    ),
    ("R047", "- {id: a, on: {reached: arrived}, task: {for: owner, do: call}, »tells: prepared}"),
    ("R048", "- {id: a, on: {silent: 14d}, rungs: [{say: arrived}, {say: sorry, after: 1d, »every: 1d}]}"),
]

IN_FILES = [
    ("R001", "version: 1\njourney: caf»\udce9\n"),
    ("R002", "»#" + " " * LARGEST),
    ("R003", "version: 1\njourney: x\ntitle: a: »b\n".replace("a: »b", "a»: b")),
    ("R003", "version: 1\n»\tjourney: x\n"),
    ("R003", HEADER + "»---\nversion: 1\n"),
    ("R003", "version: 1\njourney: new\x07car\n".replace("\x07", "»\x07")),
    ("R004", "»"),
    ("R004", "»# only a comment\n"),
    ("R009", HEADER.replace("version: 1", "version: »2")),
    ("R010", HEADER + "»titel: x\n"),
    ("R011", "»" + HEADER.replace("version: 1\n", "")),
    ("R011", "»version: 1\njourney: x\n"),
    ("R013", "»[version, 1]\n"),
    ("R013", "version: 1\njourney: x\nphases: »[a, b]\n"),
    ("R013", HEADER + "rules: »{id: a}\n"),
    ("R014", HEADER + "closes: »colected\n"),
    ("R014", HEADER + "promises: {prepared: »arived + 3bd}\n"),
    ("R014", HEADER + "promises: {»prepard: arrived + 3bd}\n"),
    ("R018", HEADER + "»milestones: [a]\n"),
    ("R019", HEADER.replace("model: text", "model: »txt")),
    ("R020", HEADER + "promises: {prepared: arrived + »3 business days}\n"),
    ("R023", HEADER + "hours: »20:00-08:00\n"),
    ("R024", HEADER.replace("model:", "»number-plate:")),
    ("R024", HEADER.replace("ordered", "»any")),
    ("R024", "version: 1\njourney: »new/car\nmilestones: [a]\n"),
    ("R026", HEADER.replace("[prepared,", "[»arrived, prepared,")),
    ("R028", HEADER + "promises: {prepared: »arrived}\n"),
    ("R029", HEADER + "promises: {»prepared: collected + 1d, collected: prepared + 1d}\n"),
    ("R029", HEADER + "promises: {»prepared: prepared + 1d}\n"),
]


def place(text: str) -> tuple[str, tuple[int, int]]:
    """The text without the mark, and the line and column it stood at."""
    before = text[: text.index(HERE)].split("\n")
    return text.replace(HERE, ""), (len(before), len(before[-1]) + 1)


@pytest.mark.parametrize(("code", "text"), [(code, rule_file(text)) for code, text in IN_RULES] + IN_FILES)
def test_every_mistake_is_named_once_and_where_it_stands(code: str, text: str) -> None:
    text, (line, column) = place(text)
    _, problems = checked(text)
    assert [(p.code, p.line, p.column) for p in problems] == [(code, line, column)]
    assert problems[0].source == text.split("\n")[line - 1]


def test_every_code_has_an_example() -> None:
    shown = {code for code, _ in IN_RULES + IN_FILES} | {
        "R025",
        "R065",
    }  # R065 has no rule: test_cli_commands.py
    in_vain = {
        code for code in RULE_CODES if code.startswith("R05")
    }  # of rules that load: test_rule_review.py
    assert shown == set(RULE_CODES) - in_vain


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("- {id: a, on: {reached: arived}, say: arrived}", "did you mean 'arrived'?"),
        ("- {id: a, on: {reachd: arrived}, say: arrived}", "did you mean 'reached'?"),
        ("- {id: a, on: {reached: arrived}, say: arrived, channels: [emial]}", "did you mean 'email'?"),
        (
            "- {id: a, on: {reached: arrived}, say: sory}",
            "did you mean 'sorry'? Or write templates/new-car/sory/email.txt.en.j2",
        ),
        (
            "- {id: a, on: {reached: arrived}, say: delivered, channels: [sms]}",
            "write templates/new-car/delivered/sms.txt.en.j2",
        ),
        (
            "- {id: a, on: {reached: arrived}, say: tasks, task: {for: neighbour, do: sorry}}",
            "write templates/new-car/tasks/email.txt.en.j2",
        ),
        (
            "- {id: a, on: {reached: arrived}, say: sory, task: {for: neighbour, do: sorry}}",
            "write templates/new-car/sory/email.txt.en.j2",
        ),
        (
            "- {id: a, on: {reached: arrived}, task: {for: owner, do: still-watin}}",
            "did you mean 'still-waiting'?",
        ),
        ("- {id: a, on: {event: order.upsertd}, say: arrived}", "did you mean 'order.upserted'?"),
        ("- {id: a, on: {moved: arrived, latr, by: 1d}, say: arrived}", "did you mean 'later'?"),
        ("- {id: a, on: {reached: arrived}, say: arrived, purpose: Marketing}", "did you mean 'marketing'?"),
        ("- {id: a, on: {reached: arrived}, say: arrived, whn: hour > 3}", "did you mean 'when'?"),
        ("- {id: a, on: {missed: arrived, closses: '17:30'}, say: arrived}", "did you mean 'closes'?"),
        (
            "- {id: a, on: {reached: arrived}, say: arrived, when: model == 'x'}",
            "did you mean 'order.attributes.model'?",
        ),
    ],
)
def test_a_slip_of_the_finger_gets_the_word_that_was_meant(text: str, hint: str) -> None:
    _, (problem,) = checked(rule_file(text))
    assert problem.hint == hint


@pytest.mark.parametrize(
    "rule",
    [
        """- {id: a, on: {missed: arrived}, say: sorry, when: 'waited > duration("2h") + late_by'}""",
        """- {id: a, on: {reached: arrived}, say: arrived, when: 'order.status in ["open", "held"]'}""",
        """- {id: a, on: {reached: arrived}, say: arrived, when: 'order.attributes.model == "closed"'}""",
        """- {id: a, on: {event: visit.booked}, say: sorry, when: 'event.data.milestone == "lunch"'}""",
        """- {id: a, on: {event: message.replied}, say: sorry, when: 'event.data.channel == "fax"'}""",
        """- {id: a, on: {reached: arrived}, say: arrived, when: 'weekday == r"monday" && hour < 23'}""",
        """- {id: a, on: {reached: arrived}, say: arrived, when: 'order.attributes.model == "hour > 24"'}""",
        """- {id: a, on: {reached: arrived}, say: arrived, when: 'hour + 4 < 25 && 24 * 2 > hour * 3'}""",
        """- {id: a, on: {upcoming: arrived, before: 0d, at: "16:00"}, say: sorry}""",
        """- {id: a, on: {missed: arrived, by: 0d}, say: sorry}""",
    ],
)
def test_what_can_be_is_no_finding(rule: str) -> None:
    assert checked(rule_file(rule))[1] == []


def test_a_journey_that_is_a_slip_of_the_folder_of_its_texts_is_asked_about() -> None:
    text = rule_file("- {id: a, on: {reached: arrived}, say: arrived}").replace("new-car", "newcar")
    first = checked(text)[1][0]
    assert (first.code, first.message, first.hint) == (
        "R015",
        "the journey 'newcar' has no folder of templates",
        "did you mean 'new-car'?",
    )


def test_a_word_a_field_never_says_gets_those_it_does() -> None:
    rule = """- {id: a, on: {reached: arrived}, say: arrived, when: 'order.status == "closed"'}"""
    (problem,) = checked(rule_file(rule))[1]
    assert (problem.message, problem.hint) == (
        "order.status is never 'closed'",
        "there is: open, held, cancelled",
    )


WRONG_THROUGHOUT = """\
- id: a b
  on: {missed: arived, stuck: shiped, for: 0d, closes: 5pm}
  say: sory
  to: custommer
  channels: [sms, sms, emial]
  purpose: sevice
  tells: [preparred]
  task: {for: ownr, do: still-watin, within: 0h}
  timing: {within: 6 months, whithin: 1d}
  rungs: [{say: sorry}, {after: 0d, every: 1d, say: arived}]
  when: order.status == "closed" && hour > 24 && modl == 3"""


def test_no_problem_of_a_rule_hides_another() -> None:
    codes = " ".join(problem.code for problem in checked(rule_file(WRONG_THROUGHOUT))[1])
    assert codes == (
        "R024 R014 R017 R014 R049 R022 R015 R027 R060 R012 R019 R014 R027 R015 R049 R021 R010 "
        "R043 R044 R048 R015 R037 R037 R032"
    )


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "version: 1\n  »journey: x\n",
            "this line is indented deeper than the one before, which has a value already",
            "begin it in column 1, like the key on line 1",
        ),
        (
            "rules:\n  - id: a\n   »on: {reached: a}\n",
            "this line is indented unlike its neighbours",
            "begin it in column 5, like the key on line 2",
        ),
        (
            "rules:\n  - id: a\n  »say: b\n",
            "this line is indented unlike its neighbours",
            "begin it in column 5, like the key on line 2",
        ),
        (
            "rules:\n    - id: a\n\n  »- id: b\n",
            "an item of a list is indented unlike the others",
            "begin it in column 5, like line 2",
        ),
        (
            "rules:\n- id: a\nsay: x\n»- id: b\n",
            "an item of a list stands behind a key that ended the list",
            "move it up to its list, or indent the keys between them",
        ),
        ("rules:\n»\t- id: a\n", "a tab stands here", "indent with spaces, two for each level"),
        (
            "rules:\n  - »id:a\n    say: b\n",
            "this line is no `key: value`",
            "write a colon and a space behind the key",
        ),
        ("a: »{b: 1\nc: d\n", "'{' is never closed", "write } where it ends"),
        ("a: »[b, c\nd: e\n", "'[' is never closed", "write ] where it ends"),
        ("a: »'b\nc: d\n", "this quote is never closed", "write it again where the text ends"),
        ("a: b»: c\n", "a second ': ' stands on this line", "put the text in quotes that contains it"),
        ("a: [b]»]\n", "']' closes nothing", "remove it, or open the bracket before it"),
        (
            "a: {b: 1 c»: 2}\n",
            "a comma or '}' is awaited before this colon",
            "write a comma before the key, or put a text that contains ': ' in quotes",
        ),
        ("a: »%b\n", "a text cannot begin with '%'", "put the text in quotes"),
        ("a: »*\n", "a text cannot begin with * or &", "put the text in quotes"),
        ("a: 'b' »c\n", "text follows a text in quotes", "put the whole of it in quotes, or nothing"),
    ],
)
def test_what_is_no_yaml_says_what_to_do_at_the_line_to_mend(text: str, message: str, hint: str) -> None:
    text, where = place(text)
    _, (problem,) = checked(text)
    assert (problem.code, problem.message, problem.hint) == ("R003", message, hint)
    assert (problem.line, problem.column) == where


def test_a_missing_version_is_asked_for_in_so_many_words() -> None:
    _, (problem,) = checked(HEADER.replace("version: 1\n", ""))
    assert (problem.message, problem.hint) == (
        "'version' is missing",
        "the first line of a rule file is `version: 1`",
    )


def test_the_copy_of_a_file_is_told_once_and_not_the_file_that_bears_the_name_of_its_journey() -> None:
    text = rule_file("- {id: one, on: {reached: arrived}, say: arrived}")
    files = {"rules/new-car-copy.yaml": text, "rules/new-car.yaml": text}
    book, problems = load(files, templates=None, channels=None)

    (problem,) = problems
    assert (problem.path, problem.line, problem.code) == ("rules/new-car-copy.yaml", 2, "R025")
    assert problem.hint.startswith("first at rules/new-car.yaml:2: is one a copy?")
    assert book.journeys["new-car"].path == "rules/new-car.yaml"


def test_a_link_that_leads_nowhere_is_no_rule_file_less(tmp_path: Path) -> None:
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere.yaml")
    with pytest.raises(Misconfigured, match=r"gone\.yaml cannot be read"):
        read(tmp_path)


def test_what_cannot_name_a_text_is_no_file_to_be_written() -> None:
    _, (problem,) = checked(rule_file("- {id: one, on: {reached: arrived}, say: ../../etc/passwd}"))
    assert (problem.code, problem.hint) == ("R015", "name a text by letters, digits, '-', '_' and '.'")


def test_an_id_is_taken_once_over_all_files_and_the_first_one_counts() -> None:
    one = rule_file("- {id: same, on: {reached: arrived}, say: arrived}")
    two = one.replace("new-car", "used-car").replace("say: arrived", "say: sorry")
    book, problems = checked(one, two, one.replace("id: same", "id: other"))
    assert [(p.path, p.line, p.column, p.code) for p in problems] == [
        ("rules/2.yaml", 8, 10, "R025"),
        ("rules/3.yaml", 2, 10, "R025"),
    ]
    assert problems[0].hint == "first at rules/1.yaml:8"
    assert book.rule("same") == book.journeys["new-car"].rules[0]
    assert book.journeys["used-car"].rules == ()


def test_a_broken_rule_leaves_only_itself_out() -> None:
    book, problems = checked(
        rule_file("""
            - {id: good, on: {reached: arrived}, say: arrived}
            - {id: bad, on: {reachd: arrived}, say: arrived}
            - {id: tagged, on: {reached: arrived}, say: !x arrived}
            - {id: twice, id: twice, on: {reached: arrived}, say: arrived}
            - {id: fine, on: {silent: 14d}, say: sorry}
        """)
    )
    assert [p.code for p in problems] == ["R016", "R006", "R007"]
    assert [rule.id for rule in book.journeys["new-car"].rules] == ["good", "fine"]


@pytest.mark.parametrize(
    "broken", ["\t", "version: 1\njourney: [", "", "version: 2\njourney: x\nmilestones: [a]\n"]
)
def test_an_unreadable_file_leaves_only_itself_out(broken: str) -> None:
    book, problems = checked(broken, HEADER)
    assert {p.path for p in problems} == {"rules/1.yaml"}
    assert list(book.journeys) == ["new-car"]


def test_all_problems_of_all_files_come_in_one_run_and_in_order() -> None:
    bad = rule_file("""
        - {id: a, on: {missed: arived, by: 2 hours, before: 1d}, say: arived, purpose: servce, extra: 1}
        - {id: b, on: {reached: arrived}, say: sorry, when: hour == "3" || nobody, channels: [fax]}
    """)
    _, problems = checked(
        bad, bad.replace("new-car", "used").replace("id: a", "id: c").replace("id: b", "id: d")
    )
    each = ["R014", "R020", "R018", "R015", "R019", "R010", "R031", "R032", "R012"]
    assert [p.code for p in problems] == each * 2
    places = [(p.path, p.line, p.column) for p in problems]
    assert places == sorted(places)


def test_what_is_not_known_is_not_checked() -> None:
    text = rule_file("- {id: a, on: {reached: arrived}, say: whatever, channels: [pigeon]}")
    assert load({"a": text}, templates=None, channels=None, policy=Policy())[1] == []


def test_any_other_role_is_a_party_of_the_order() -> None:
    assert minimal("{reached: arrived}", "say: arrived, to: neighbour").to == "neighbour"


@pytest.mark.parametrize("do", ["wait", "still-waiting-for-parts", "still-waiting"])
def test_a_task_may_be_called_as_one_likes(do: str) -> None:
    task = minimal("{event: yard.note}", f"task: {{for: owner, do: {do}}}").rungs[0].task
    assert task is not None
    assert task.do == do


def test_lines_may_end_as_on_windows_and_begin_with_a_byte_order_mark() -> None:
    text = rule_file("- {id: a, on: {reached: arrived}, say: arrived, channels: [fax]}").replace("\n", "\r\n")
    _, (problem,) = checked("\ufeff" + text)
    assert (problem.line, problem.column) == (8, 62)
    assert problem.source == "  - {id: a, on: {reached: arrived}, say: arrived, channels: [fax]}"


# ── places inside conditions ─────────────────────────────────────────────────

STYLES = {
    "plain": "when: hour > 3 && »nobody",
    "plain over two lines": "when: hour > 3\n    && »nobody",
    "single quotes": "when: 'order.id == ''x'' && »nobody'",
    "double quotes": 'when: "order.id == \\"x\\" && »nobody"',
    "literal block": "when: |\n    hour > 3\n      && »nobody",
    "folded block": "when: >-\n    hour > 3\n    && »nobody",
    "literal block with a comment": "when: |-  # only then\n\n    hour > 3 && »nobody",
}


@pytest.mark.parametrize("when", STYLES.values(), ids=STYLES.keys())
def test_a_condition_is_wrong_at_the_column_of_the_file(when: str) -> None:
    text, expected = place(rule_file(f"- id: a\n  on: {{reached: arrived}}\n  say: arrived\n  {when}"))
    _, (problem,) = checked(text)
    assert (problem.code, (problem.line, problem.column)) == ("R032", expected)


@given(
    st.text(st.sampled_from("abc xyz '\"é\\"), min_size=1).filter(lambda t: t.strip() == t),
    st.sampled_from("'\"|"),
)
def test_every_character_of_a_text_is_found_in_the_file(text: str, style: str) -> None:
    if style == "'":
        written = "'" + text.replace("'", "''") + "'"
    elif style == '"':
        written = json.dumps(text, ensure_ascii=False)
    else:
        written = "|-\n  " + text
    source = f"key: {written}\n"
    root = parse(source, Findings("x", source))
    assert root is not None
    node = root.get("key")
    assert node is not None
    assert node.text == text
    lines = source.split("\n")
    for index, letter in enumerate(text):
        if not letter.isspace():
            line, column = node.place_of(index)
            found = lines[line - 1][column - 1]
            assert found == letter or (found == "\\" and letter in '\\"')


# ── hostile and unlucky input ────────────────────────────────────────────────

ALPHABET = st.sampled_from(list("abon: -[]{},|>'\"\n\t#&*!%@`?~\\\x00\x85\u2028\ud800\udc80é0123"))


@settings(max_examples=300)
@given(st.text(ALPHABET, max_size=80))
def test_no_text_is_too_strange_to_be_answered(text: str) -> None:
    for source in (text, HEADER + text, rule_file(f"- {text}"), HEADER + "rules: [" + text + "]"):
        book, problems = checked(source)
        lines = source.count("\n") + source.count("\x85") + source.count("\u2028") + source.count("\r") + 1
        assert all(1 <= p.line <= lines and p.column >= 1 and p.code in RULE_CODES for p in problems)
        assert isinstance(book, RuleBook)


@settings(max_examples=150)
@given(st.integers(0, 2**32), st.integers(1, 6))
def test_a_damaged_file_still_gets_an_answer(seed: int, cuts: int) -> None:
    text = (ROOT / "rules" / "new-car.yaml").read_text(encoding="utf-8")
    dice = random.Random(seed)
    for _ in range(cuts):
        start = dice.randrange(len(text))
        text = (
            text[:start] + dice.choice(["", "{", '"', ": ", "\n", "- "]) + text[start + dice.randrange(4) :]
        )
    _, problems = checked(text)
    assert all(p.code in RULE_CODES for p in problems)


def test_a_bomb_of_aliases_is_refused_at_once() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{n}: &{n} [*{p}, *{p}]\n" for p, n in zip("abcdefghijk", "bcdefghijkl", strict=True)
    )
    _, problems = checked(bomb)
    assert {"R005"} <= {p.code for p in problems}


def test_a_file_as_large_as_allowed_in_brackets_alone_is_refused_at_once() -> None:
    _, problems = checked("[" * (LARGEST - 1))
    assert [p.code for p in problems] == ["R008"]


# ── reading and speed ────────────────────────────────────────────────────────


def test_rule_files_are_read_from_folders_in_a_fixed_order(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "cars/c.yaml", ".hidden.yaml", "notes.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("version: 1\n", encoding="utf-8")
    assert [Path(path).name for path in read(tmp_path)] == ["a.yml", "b.yaml", "c.yaml"]
    assert list(read(tmp_path / "b.yaml")) == [(tmp_path / "b.yaml").as_posix()]


def test_a_file_that_is_not_utf_8_is_one_problem(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes("version: 1\njourney: Müller\n".encode("latin-1"))
    _, (problem,) = load(read(tmp_path), policy=Policy())
    assert (problem.code, problem.line, problem.column) == ("R001", 2, 11)


def test_a_directory_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="there is no directory of rules"):
        read(tmp_path / "nowhere")


def test_the_schema_for_editors_describes_every_key() -> None:
    schema = json_schema()
    assert schema["properties"]["version"]["enum"] == [1]
    for part in (schema, *schema["$defs"].values()):
        assert part["additionalProperties"] is False
        assert all(shape.get("description") for shape in part["properties"].values())


def test_what_was_read_before_is_read_again_whatever_was_done_to_it_and_however_the_file_is_called() -> None:
    text = "phases: {waiting: [ordered, ordered]}\nphases: {}\nrules: []\n"
    first = Findings("rules/first.yaml", text)
    root = parse(text, first)
    assert root is not None
    whole = root.plain()
    root.value = None
    second = Findings("rules/second.yaml", text)
    again = parse(text, second)

    assert again is not None
    assert again.plain() == whole
    assert {problem.path for problem in first.problems} == {"rules/first.yaml"}
    assert [replace(problem, path="rules/second.yaml") for problem in first.problems] == second.problems


def test_the_expression_library_is_not_loaded_for_rules_without_conditions() -> None:
    code = (
        "import sys; from orchestrator import rules; from orchestrator.journey import Policy;"
        f"rules.load({{'a': {HEADER!r}}}, policy=Policy());"
        "sys.exit(any(name.startswith(('cel_expr', 'sqlmodel', 'fastapi', 'typer')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0
