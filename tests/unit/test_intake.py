"""What intake believes, what it refuses, and how it says so."""

import json
import tracemalloc
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import Problem
from orchestrator.facts import CORE_TYPES
from orchestrator.intake import BOM, Incoming, Place, parse, parse_lines, strict_json
from orchestrator.intake.codes import EVENT_CODES
from orchestrator.intake.lines import MAX_EVENT
from orchestrator.intake.lines import lines as bounded
from orchestrator.intake.refusals import Refusals
from orchestrator.intake.types import CORE
from orchestrator.model import ENGINE, Purpose
from tests.builders import at, event

NOW = at("2026-03-12 12:00")
HERE = Place("test")


def accepted(document: dict[str, Any], arrived: datetime | None = NOW) -> Incoming:
    outcome = parse(document, arrived, place=HERE)
    assert isinstance(outcome, Incoming), [str(problem) for problem in outcome]
    return outcome


def refused(document: dict[str, Any], arrived: datetime | None = NOW) -> list[tuple[str, str]]:
    outcome = parse(document, arrived, place=HERE)
    assert isinstance(outcome, list), "accepted"
    return [(problem.pointer, problem.code) for problem in outcome]


def settled(kind: str, **data: Any) -> dict[str, Any]:
    return dict(accepted(event(kind, "C-1", "2026-03-12 11:00", **data)).fact.data)


def wrong(kind: str, **data: Any) -> list[tuple[str, str]]:
    return refused(event(kind, "C-1", "2026-03-12 11:00", **data))


def without(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != name}


REACHED = event("milestone.reached", "O-1", "2026-03-12 11:00", event_id="e1", milestone="arrived")


# ── when it happened, when it was heard ──────────────────────────────────────


def test_an_event_becomes_the_fact_it_states() -> None:
    fact = accepted(REACHED).fact
    assert (fact.source, fact.id, fact.type, fact.subject) == ("dealer", "e1", "milestone.reached", "O-1")
    assert fact.happened == at("2026-03-12 11:00")
    assert fact.heard == NOW
    assert fact.data == {"milestone": "arrived"}


def test_recordedtime_is_when_it_was_heard() -> None:
    fact = accepted(REACHED | {"recordedtime": "2026-03-12T11:30:00+01:00"}).fact
    assert fact.heard == at("2026-03-12 11:30")


def test_what_does_not_say_when_it_happened_happened_when_it_was_heard() -> None:
    fact = accepted(without(REACHED, "time")).fact
    assert fact.happened == fact.heard == NOW


def test_a_replay_hears_an_event_when_it_was_recorded_or_else_when_it_happened() -> None:
    assert accepted(REACHED, None).fact.heard == at("2026-03-12 11:00")
    assert accepted(REACHED | {"recordedtime": "2026-03-12T15:00:00Z"}, None).fact.heard == at(
        "2026-03-12 16:00"
    )


def test_a_replay_refuses_an_event_that_names_no_time_at_all() -> None:
    assert refused(without(REACHED, "time"), None) == [("", "E014")]


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-03-12T10:00:00Z", "2026-03-12T10:00:00"),
        ("2026-03-12t10:00:00z", "2026-03-12T10:00:00"),
        ("2026-03-12 10:00:00.123456789-05:00", "2026-03-12T15:00:00.123456"),
        ("2026-03-11T23:30:00-00:00", "2026-03-11T23:30:00"),
    ],
)
def test_every_way_rfc_3339_writes_a_moment_is_understood(text: str, utc: str) -> None:
    fact = accepted(REACHED | {"time": text}, at("2026-03-13 00:00")).fact
    assert fact.happened == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2026-03-12T10:00:00", "E105"),
        ("2026-03-12T10:00", "E105"),
        ("2026-02-30T10:00:00Z", "E106"),
        ("2026-03-12T24:00:00Z", "E104"),
        ("2026-03-12T23:59:60Z", "E106"),
        ("0001-01-01T00:00:00+05:00", "E106"),
        ("2026-03-12", "E104"),
        ("20260312T100000Z", "E104"),
        ("2026-W11-4T10:00:00Z", "E104"),
        ("yesterday", "E104"),
        ("", "E104"),
        ("２026-03-12T10:00:00Z", "E104"),
        (1773309600, "E104"),
        (True, "E104"),
    ],
)
def test_a_time_that_is_not_exactly_one_moment_is_refused(text: object, code: str) -> None:
    assert refused(REACHED | {"time": text}) == [("/time", code)]
    assert refused(REACHED | {"recordedtime": text}) == [("/recordedtime", code)]


def test_the_future_is_refused_with_a_word_about_clocks_and_promises() -> None:
    outcome = parse(REACHED | {"time": "2099-01-01T00:00:00Z"}, NOW, place=HERE)
    assert isinstance(outcome, list)
    (problem,) = outcome
    assert problem.code == "E015"
    assert "is 26,592 days later than when it was heard (2026-03-12 11:00:00Z)" in problem.message
    assert "promise.made" in problem.hint


def test_clocks_may_differ_by_the_tolerance_and_no_more() -> None:
    inside = REACHED | {"time": "2026-03-12T11:05:00Z"}
    beyond = REACHED | {"time": "2026-03-12T11:05:01Z"}
    assert accepted(inside).fact.happened == at("2026-03-12 12:05")
    assert refused(beyond) == [("/time", "E015")]
    assert isinstance(parse(beyond, NOW, place=HERE, future_tolerance=timedelta(hours=1)), Incoming)


def test_nothing_was_recorded_after_it_arrived_nor_before_it_happened() -> None:
    assert refused(REACHED | {"recordedtime": "2026-03-12T12:00:00Z"}) == [("/recordedtime", "E015")]
    late = REACHED | {"recordedtime": "2026-03-12T09:00:00Z"}
    assert refused(late) == refused(late, None) == [("/time", "E015")]


# ── the envelope ─────────────────────────────────────────────────────────────


def test_everything_wrong_with_an_event_is_said_at_once() -> None:
    document = {
        "specversion": "0.3",
        "source": "",
        "type": "promise.made",
        "time": "2026-03-12T10:00:00",
        "eventId": "7",
        "data": {"milestone": 5, "date": "2026-02-30", "at": "soon", "told": "yes"},
    }
    assert refused(document) == [
        ("/id", "E010"),
        ("/source", "E011"),
        ("/subject", "E013"),
        ("/specversion", "E012"),
        ("/time", "E105"),
        ("/eventId", "E016"),
        ("/data/milestone", "E102"),
        ("/data/date", "E106"),
        ("/data/at", "E104"),
        ("/data/told", "E102"),
        ("/data", "E116"),
    ]


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "subject"])
def test_required_attributes_are_required(name: str) -> None:
    code = "E013" if name == "subject" else "E010"
    assert refused(without(REACHED, name)) == [(f"/{name}", code)]
    assert refused(REACHED | {name: None}) == [(f"/{name}", code)]


@pytest.mark.parametrize("name", ["id", "source", "type", "subject"])
@pytest.mark.parametrize("value", ["", " O-1", "O-1\n", "O\x00", "O\u2028", "x" * 513, 7, ["O-1"]])
def test_an_attribute_is_a_printable_text_without_space_around_it(name: str, value: object) -> None:
    assert (f"/{name}", "E011") in refused(REACHED | {name: value})


def test_nobody_outside_speaks_for_the_engine() -> None:
    assert refused(REACHED | {"source": ENGINE}) == [("/source", "E017")]
    assert refused(REACHED | {"type": "notification.accepted"}) == [("/type", "E017")]


def test_further_attributes_are_kept_as_texts() -> None:
    outcome = accepted(REACHED | {"traceparent": "00-ab", "sequence": 7, "sampled": True, "dataschema": None})
    assert outcome.extensions == {"traceparent": "00-ab", "sequence": "7", "sampled": "true"}


def test_a_misspelt_attribute_is_refused_with_the_right_name() -> None:
    outcome = parse(REACHED | {"recordedTime": "2026-03-12T10:00:00Z"}, NOW, place=HERE)
    assert isinstance(outcome, list)
    assert outcome[0].hint == "did you mean 'recordedtime'?"


@pytest.mark.parametrize(
    ("name", "written"), [("type", "typ"), ("subject", "Subject"), ("specversion", "specversoin")]
)
def test_a_missing_attribute_names_the_misspelt_one_that_was_written(name: str, written: str) -> None:
    outcome = parse(without(REACHED, name) | {written: REACHED[name]}, NOW, place=HERE)
    assert isinstance(outcome, list)
    assert f"you wrote {written!r}" in [problem.hint for problem in outcome]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("time", "tme"),
        ("time", "tiem"),
        ("time", "times"),
        ("time", "tyme"),
        ("recordedtime", "recordedtim"),
        ("recordedtime", "recordtime"),
        ("recordedtime", "recoredtime"),
        ("datacontenttype", "datacontentype"),
    ],
)
def test_an_extension_that_is_nearly_an_attribute_that_is_missing_is_refused(name: str, written: str) -> None:
    outcome = parse(without(REACHED, name) | {written: "2026-03-12T10:00:00Z"}, NOW, place=HERE)
    assert isinstance(outcome, list)
    assert [(p.pointer, p.code, p.hint) for p in outcome] == [
        (f"/{written}", "E016", f"did you mean {name!r}?")
    ]


def test_an_object_under_another_name_was_meant_to_be_the_data() -> None:
    outcome = parse(without(REACHED, "data") | {"dat": REACHED["data"]}, NOW, place=HERE)
    assert isinstance(outcome, list)
    (found,) = [problem for problem in outcome if problem.code == "E016"]
    assert (found.pointer, found.hint) == ("/dat", "did you mean 'data'?")


@pytest.mark.parametrize(("name", "written"), [("source", "sorce"), ("subject", "subjet"), ("id", "di")])
def test_a_misspelt_attribute_that_every_event_needs_is_missing_and_is_named(name: str, written: str) -> None:
    outcome = parse(without(REACHED, name) | {written: REACHED[name]}, NOW, place=HERE)
    assert isinstance(outcome, list)
    assert [problem.pointer for problem in outcome] == [f"/{name}"]
    assert outcome[0].hint == ("" if name == "id" else f"you wrote {written!r}")


EXTENSIONS = (  # those that CloudEvents lists, and its optional dataschema
    "authclaims", "authid", "authtype", "bamcategory", "correlationid", "causationid", "dataref",
    "dataschema", "deprecated", "expirytime", "partitionkey", "rate", "sampledrate", "sequence",
    "sequencetype", "severitynumber", "severitytext", "traceparent", "tracestate",
)  # fmt: skip


@pytest.mark.parametrize("name", EXTENSIONS)
def test_the_extensions_of_cloudevents_are_no_slips(name: str) -> None:
    bare = without(REACHED, "time")
    assert accepted(bare | {name: "x"}).extensions == {name: "x"}


def test_beside_the_attribute_itself_a_near_name_is_an_extension_like_any_other() -> None:
    assert accepted(REACHED | {"times": 3}).extensions == {"times": "3"}


def test_binary_data_is_refused_with_where_data_belongs() -> None:
    outcome = parse(REACHED | {"data_base64": "e30="}, NOW, place=HERE)
    assert isinstance(outcome, list)
    assert [(p.message, p.hint) for p in outcome] == [
        ("data_base64 is binary data, and the data of an event is JSON", "send the object itself in `data`")
    ]


@pytest.mark.parametrize(
    "extra", [{"nested": {}}, {"half": 0.5}, {"data_base64": "e30="}, {"datacontenttype": "text/xml"}]
)
def test_attributes_that_cloudevents_does_not_know_are_refused(extra: dict[str, Any]) -> None:
    (name,) = extra
    assert refused(REACHED | extra) == [(f"/{name}", "E016")]


def test_json_content_types_are_welcome() -> None:
    for content in ("application/json", "application/json; charset=utf-8", "application/vnd.dealer+json"):
        assert accepted(REACHED | {"datacontenttype": content}).extensions == {}


# ── the same event, or another ───────────────────────────────────────────────


def test_order_of_keys_zone_of_time_and_recordedtime_do_not_make_another_event() -> None:
    seen_by_two = REACHED | {"data": {"milestone": "arrived", "seen": {"a": 1, "b": 2}}}
    turned = dict(reversed(seen_by_two.items())) | {
        "data": {"seen": {"b": 2, "a": 1}, "milestone": "arrived"},
        "time": "2026-03-12T05:00:00-05:00",
        "recordedtime": "2026-03-12T10:30:00Z",
        "datacontenttype": "application/json",
    }
    assert accepted(turned).digest == accepted(seen_by_two).digest


@pytest.mark.parametrize(
    "change",
    [
        {"id": "e2"},
        {"source": "crm"},
        {"type": "milestone.retracted"},
        {"subject": "O-2"},
        {"time": "2026-03-12T10:00:01Z"},
        {"data": {"milestone": "arrived", "note": ""}},
        {"data": {"milestone": "arriveD"}},
        {"sequence": 1},
    ],
)
def test_whatever_an_event_says_differently_is_in_its_digest(change: dict[str, Any]) -> None:
    assert accepted(REACHED | change).digest != accepted(REACHED).digest


def test_an_event_without_a_time_is_the_same_event_when_it_comes_again_later() -> None:
    untimed = without(REACHED, "time")
    assert accepted(untimed, NOW).digest == accepted(untimed, NOW + timedelta(days=1)).digest


# ── data: any type ───────────────────────────────────────────────────────────


def test_every_type_the_engine_understands_has_its_shape_here() -> None:
    assert tuple(CORE) == CORE_TYPES


@pytest.mark.parametrize("kind", CORE)
def test_every_core_type_accepts_its_example_and_settles_it_for_good(kind: str) -> None:
    once = settled(kind, **CORE[kind].example)
    assert settled(kind, **once) == once
    assert orjson.loads(orjson.dumps(once)) == once


@pytest.mark.parametrize("kind", CORE)
def test_unknown_fields_of_core_types_are_kept_as_they_came(kind: str) -> None:
    more = {"dealer_note": {"a": [1, None, "x"]}, "empty": None}
    assert settled(kind, **CORE[kind].example, **more).items() >= more.items()


@pytest.mark.parametrize("kind", CORE)
@pytest.mark.parametrize("junk", [7, True, "\u0000", [], {}, [7], [[]], {"x": {}}, 1e300, ["a", None]])
def test_no_value_in_any_field_makes_intake_stumble(kind: str, junk: object) -> None:
    for name in CORE[kind].fields:
        outcome = parse(REACHED | {"type": kind, "data": {**CORE[kind].example, name: junk}}, NOW, place=HERE)
        if isinstance(outcome, list):
            assert all(problem.code in EVENT_CODES and problem.pointer for problem in outcome)


def test_any_other_type_is_kept_with_its_data_unread() -> None:
    data = {"date": "not a date", "email": 7, "deep": {"x": [None]}}
    assert settled("engine.started", **data) == data


def test_data_may_be_left_out_where_nothing_in_it_is_needed() -> None:
    cancelled = event("order.cancelled", "O-1", "2026-03-12 11:00")
    assert accepted(without(cancelled, "data")).fact.data == {}
    assert accepted(cancelled | {"data": None}).fact.data == {}
    assert refused(without(REACHED, "data")) == [("/data/milestone", "E101")]


@pytest.mark.parametrize("data", [[], "arrived", 7, False])
def test_data_is_an_object(data: object) -> None:
    assert refused(REACHED | {"data": data}) == [("/data", "E100")]


def test_a_misspelt_field_is_named_beside_the_missing_one() -> None:
    outcome = parse(REACHED | {"data": {"milestne": "arrived"}}, NOW, place=HERE)
    assert isinstance(outcome, list)
    assert [(p.message, p.hint) for p in outcome] == [("data.milestone is missing", "you wrote 'milestne'")]


@pytest.mark.parametrize(
    ("kind", "data", "pointer", "meant"),
    [
        ("customer.upserted", {"emial": "maria.keller@example.com"}, "/data/emial", "email"),
        ("customer.upserted", {"givenName": "Maria"}, "/data/givenName", "given_name"),
        ("customer.upserted", {"tag": ["vip"]}, "/data/tag", "tags"),
        ("order.upserted", {"custmer": "C-1"}, "/data/custmer", "customer"),
        ("order.upserted", {"owner": {"nmae": "Nora Brandt"}}, "/data/owner/nmae", "name"),
        (
            "order.upserted",
            {"location": {"timezone": "Europe/Berlin"}},
            "/data/location/timezone",
            "time_zone",
        ),
        (
            "order.upserted",
            {"parties": {"buyer": {"mail": "a@example.com"}}},
            "/data/parties/buyer/mail",
            "email",
        ),
        ("promise.made", {"milestone": "arrived", "date": "2026-03-12", "tol": False}, "/data/tol", "told"),
        ("preference.set", {"window": []}, "/data/window", "windows"),
        (
            "preference.set",
            {"windows": [{"from": "19:00", "to": "21:00", "day": "mon"}]},
            "/data/windows/0/day",
            "days",
        ),
        ("task.done", {"task": "O-1/x/1/owner", "outcom": "called"}, "/data/outcom", "outcome"),
    ],
)
def test_a_field_that_is_nearly_a_known_one_is_refused_with_the_one_that_was_meant(
    kind: str, data: dict[str, Any], pointer: str, meant: str
) -> None:
    outcome = parse(REACHED | {"type": kind, "data": data}, NOW, place=HERE)
    assert isinstance(outcome, list)
    assert [(p.pointer, p.code, p.hint) for p in outcome] == [(pointer, "E119", f"did you mean {meant!r}?")]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("customer.upserted", {"email": "maria.keller@example.com", "emails": 2}),  # both are there
        ("customer.upserted", {"phone2": "+49 30 23125 100"}),
        ("milestone.reached", {"milestone": "shipped", "node": "Leipzig"}),
        ("promise.made", {"milestone": "arrived", "date": "2026-03-12", "old": "2026-03-10", "rate": 1}),
        ("order.upserted", {"attributes": {"nmae": "x", "custmer": "y"}}),
        ("order.upserted", {"parties": {"onwer": {"name": "Jonas Weber"}}}),
    ],
)
def test_a_field_of_ones_own_is_kept_however_near_it_comes(kind: str, data: dict[str, Any]) -> None:
    assert isinstance(parse(REACHED | {"type": kind, "data": data}, NOW, place=HERE), Incoming)


# ── data: promises ───────────────────────────────────────────────────────────


def promise(**data: Any) -> dict[str, Any]:
    return settled("promise.made", milestone="arrived", **data)


def test_a_promise_is_kept_as_given_with_moments_in_utc() -> None:
    assert promise(date="2026-03-14") == {"milestone": "arrived", "date": "2026-03-14"}
    assert promise(at="2026-03-14T17:30:00+01:00")["at"] == "2026-03-14T16:30:00Z"
    window = promise(**{"from": "2026-03-14T09:00:00+01:00", "to": "2026-03-14T12:00:00.5+01:00"})
    assert (window["from"], window["to"]) == ("2026-03-14T08:00:00Z", "2026-03-14T11:00:00.500000Z")


def test_null_is_as_though_the_field_were_not_there() -> None:
    assert promise(date="2026-03-14", at=None, told=None, reason=None) == promise(date="2026-03-14")


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"date": "2026-03-14", "at": "2026-03-14T17:30:00Z"},
        {"from": "2026-03-14T17:30:00Z"},
        {"to": "2026-03-14T17:30:00Z"},
        {"date": None},
        {"date": "2026-03-14", "from": "2026-03-14T17:30:00Z", "to": "2026-03-14T18:30:00Z"},
    ],
)
def test_a_promise_is_exactly_one_of_day_instant_and_window(value: dict[str, Any]) -> None:
    assert wrong("promise.made", milestone="arrived", **value) == [("/data", "E116")]


def test_a_window_may_be_a_moment_but_does_not_end_before_it_begins() -> None:
    moment = "2026-03-14T09:00:00Z"
    assert promise(**{"from": moment, "to": "2026-03-14T10:00:00+01:00"})["to"] == moment
    earlier = {"from": moment, "to": "2026-03-14T09:59:00+01:00"}
    assert wrong("promise.made", milestone="arrived", **earlier) == [("/data/to", "E117")]
    assert wrong("slot.offered", slots=[{"from": moment, "to": moment}, earlier]) == [
        ("/data/slots/1/to", "E117")
    ]


@pytest.mark.parametrize(
    ("day", "code"),
    [
        ("2026-02-30", "E106"),
        ("2026-3-1", "E107"),
        ("12.03.2026", "E107"),
        ("tomorrow", "E107"),
        ("2026-03-12T00:00:00Z", "E107"),
        ("", "E107"),
        (20260312, "E102"),
    ],
)
def test_a_promised_day_is_a_real_date(day: object, code: str) -> None:
    assert wrong("promise.made", milestone="arrived", date=day) == [("/data/date", code)]


@pytest.mark.parametrize("year", ["0001", "1969", "2200", "9999"])
def test_nothing_is_promised_or_offered_in_a_year_beyond_all_reason(year: str) -> None:
    day, moment = f"{year}-12-31", f"{year}-12-31T12:00:00Z"
    window = {"from": moment, "to": moment}
    assert wrong("promise.made", milestone="arrived", date=day) == [("/data/date", "E124")]
    assert wrong("promise.made", milestone="arrived", at=moment) == [("/data/at", "E124")]
    both = [("from", "E124"), ("to", "E124")]
    assert wrong("promise.made", milestone="arrived", **window) == [(f"/data/{f}", c) for f, c in both]
    assert wrong("slot.offered", slots=[window]) == [(f"/data/slots/0/{f}", c) for f, c in both]
    assert wrong("slot.chosen", slot=window) == [(f"/data/slot/{f}", c) for f, c in both]


def test_the_first_and_the_last_year_may_still_be_promised() -> None:
    for day in ("1970-01-01", "2199-12-31"):
        assert promise(date=day)["date"] == day


# ── data: customers ──────────────────────────────────────────────────────────


def test_a_customers_contact_points_are_settled() -> None:
    data = settled(
        "customer.upserted",
        phone="(030) 23125-101",
        country="de",
        locale="de_at",
        email="Maria.Keller@EXAMPLE.com",
        devices=["d1", {"token": "d2", "platform": "ios"}, "d1"],
    )
    assert data == {
        "phone": "+493023125101",
        "country": "DE",
        "locale": "de-AT",
        "email": "Maria.Keller@example.com",
        "devices": ["d1", "d2"],
    }


BROWSER = {
    "endpoint": "https://push.example.com/send/JzLQ3r",
    "expirationTime": None,
    "keys": {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg==",
    },
}


def test_a_device_says_which_service_reaches_it() -> None:
    given = [
        {"kind": "fcm", "token": "d7Jk2:APA91b"},
        {"kind": "apns", "token": "ab" * 32, "registered": "2026-03-12T17:30:00+01:00"},
        BROWSER,
    ]
    texts = [
        "fcm:d7Jk2:APA91b",
        f"apns:{'ab' * 32} 2026-03-12T16:30:00Z",
        f"web:{BROWSER['endpoint']} {BROWSER['keys']['p256dh']} BTBZMqHH6r4Tts7J_aSIgg",  # type: ignore[index]
    ]
    assert settled("customer.upserted", devices=given)["devices"] == texts
    assert settled("customer.upserted", devices=texts)["devices"] == texts


@pytest.mark.parametrize(
    "device",
    [
        {},
        {"kind": "pager", "token": "x"},
        {"kind": "fcm"},
        {"kind": "fcm", "token": "a b"},
        {"kind": "apns", "token": "../../x"},
        {"kind": "apns", "token": "ab" * 32, "registered": "yesterday"},
        {"kind": "apns", "token": "ab" * 32, "registered": 5},
        {"kind": "web", "token": "x"},
        {**BROWSER, "endpoint": "http://push.example.com/x"},
        {**BROWSER, "endpoint": "https://push.example.com:x/"},
        {**BROWSER, "endpoint": "file:///etc/passwd"},
        {**BROWSER, "keys": {"p256dh": "BTBZMqHH6r4Tts7J_aSIgg", "auth": "BTBZMqHH6r4Tts7J_aSIgg"}},
        {**BROWSER, "keys": {}},
        "apns:not hex",
        "web:https://push.example.com/x",
    ],
)
def test_a_device_that_nobody_can_reach_is_refused(device: object) -> None:
    (found,) = wrong("customer.upserted", devices=["d1", device])
    assert found[0].startswith("/data/devices/1")
    assert found[1] in {"E104", "E122"}


def test_null_and_an_empty_text_take_a_customers_field_away() -> None:
    assert settled(
        "customer.upserted", email=None, phone="", devices=None, attributes=None, loyalty=None
    ) == {
        "email": "",
        "phone": "",
        "devices": [],
        "attributes": {},
        "loyalty": None,
    }


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("email", "maria at example.com", "E113"),
        ("email", "a@b@example.com", "E113"),
        ("email", "a@example.com\r\nBcc: x@example.com", "E113"),
        ("email", 7, "E102"),
        ("phone", "call me", "E114"),
        ("phone", "+49 3", "E114"),
        ("phone", "030 23125101", "E115"),
        ("locale", "German", "E111"),
        ("country", "UK", "E112"),
        ("tags", "fleet", "E102"),
        ("attributes", ["x"], "E102"),
    ],
)
def test_wrong_contact_points_are_refused_at_the_door(field: str, value: object, code: str) -> None:
    assert wrong("customer.upserted", name="Maria Keller", **{field: value}) == [(f"/data/{field}", code)]


def test_a_problem_never_repeats_a_persons_address_or_number() -> None:
    document = event(
        "customer.upserted", "C-1", "2026-03-12 11:00", email="maria@@example.com", phone="0301234x5"
    )
    outcome = parse(document, NOW, place=HERE)
    assert isinstance(outcome, list)
    assert len(outcome) == 2
    for problem in outcome:
        assert "maria" not in str(problem) + problem.hint
        assert "0301234" not in str(problem) + problem.hint


def test_hostile_texts_are_data_like_any_other() -> None:
    for name in ("A\r\nBcc:x", "\u2028", "<script>", "{{7*7}}", "x" * 10_000, "👩‍🔧", "=HYPERLINK()"):
        assert settled("customer.upserted", name=name) == {"name": name}


def test_a_customer_is_not_merged_into_itself() -> None:
    assert wrong("customer.merged", into="C-1") == [("/data/into", "E118")]


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        (["mon"], [0]),
        ("Monday", [0]),
        ("weekdays", [0, 1, 2, 3, 4]),
        (["weekend", "sat", 0], [0, 5, 6]),
        ("daily", [0, 1, 2, 3, 4, 5, 6]),
        ([6, 0], [0, 6]),
    ],
)
def test_days_are_named_or_numbered_from_monday(said: object, numbers: list[int]) -> None:
    data = settled("preference.set", windows=[{"days": said, "from": "9:00", "to": "24:00"}])
    assert data["windows"] == [{"days": numbers, "from": "09:00", "to": "00:00", "channel": ""}]


def test_a_window_without_days_is_open_every_day() -> None:
    data = settled("preference.set", windows=[{"from": "19:00", "to": "21:00", "days": None}])
    assert data["windows"] == [{"days": [0, 1, 2, 3, 4, 5, 6], "from": "19:00", "to": "21:00", "channel": ""}]


@pytest.mark.parametrize(
    ("window", "where", "code"),
    [
        ({"days": ["someday"]}, "days", "E109"),
        ({"days": [7]}, "days", "E109"),
        ({"days": [True]}, "days", "E109"),
        ({"days": []}, "days", "E109"),
        ({"from": "7pm"}, "from", "E108"),
        ({"from": "24:30"}, "from", "E108"),
        ({"to": 21}, "to", "E102"),
        ({"to": None}, "to", "E101"),
    ],
)
def test_a_window_that_is_none_is_refused_at_its_field(window: dict[str, Any], where: str, code: str) -> None:
    whole = {"days": ["mon"], "from": "19:00", "to": "21:00"} | window
    assert wrong("preference.set", windows=[whole]) == [(f"/data/windows/0/{where}", code)]


@pytest.mark.parametrize("kind", ["preference.set", "customer.habit"])
def test_a_window_that_never_opens_is_refused_and_a_whole_day_is_not(kind: str) -> None:
    empty = {"days": ["mon"], "from": "19:00", "to": "19:00"}
    assert wrong(kind, windows=[empty]) == [("/data/windows/0/to", "E120")]
    whole = settled(kind, windows=[{"days": ["mon"], "from": "0:00", "to": "24:00"}])
    assert settled(kind, **whole) == whole


def test_working_hours_are_windows_of_every_channel_that_open() -> None:
    odd = {
        "owner": {
            "working_hours": [{"from": "09:00", "to": "09:00"}, {"days": [], "from": "9", "to": "17:00"}]
        },
        "manager": {"working_hours": [{"from": "08:00", "to": "12:00", "channel": "sms"}]},
        "parties": {
            "fleet": {"working_hours": [{"from": "22:00", "to": "22:00"}]},
            "co-buyer": "Jonas Weber",
        },
    }
    assert wrong("order.upserted", **odd) == [
        ("/data/owner/working_hours/1/days", "E109"),
        ("/data/owner/working_hours/1/from", "E108"),
        ("/data/owner/working_hours/0/to", "E120"),
        ("/data/manager/working_hours/0/channel", "E123"),
        ("/data/parties/fleet/working_hours/0/to", "E120"),
    ]
    whole = settled("order.upserted", owner={"working_hours": [{"from": "0:00", "to": "24:00"}]})
    assert whole["owner"]["working_hours"] == [
        {"days": [0, 1, 2, 3, 4, 5, 6], "from": "00:00", "to": "00:00", "channel": ""}
    ]
    assert settled("order.upserted", **whole) == whole


def test_a_preference_or_habit_of_an_unknown_channel_is_refused() -> None:
    evening = {"from": "19:00", "to": "21:00", "channel": "pusch"}
    assert wrong("preference.set", channels=["email", "smss"]) == [("/data/channels/1", "E121")]
    assert wrong("preference.set", channels=["email", "Fax"]) == [("/data/channels/1", "E121")]
    assert wrong("preference.set", windows=[evening]) == [("/data/windows/0/channel", "E121")]
    assert wrong("customer.habit", windows=[evening]) == [("/data/windows/0/channel", "E121")]


@pytest.mark.parametrize("kind", ["consent.given", "consent.withdrawn"])
def test_consent_for_a_channel_that_is_a_slip_is_refused_with_what_was_meant(kind: str) -> None:
    assert wrong(kind, channel="smss") == wrong(kind, channel="E-Mail") == [("/data/channel", "E121")]
    outcome = parse(event(kind, "C-1", "2026-03-12 11:00", channel="smss"), NOW, place=HERE)
    assert isinstance(outcome, list)
    assert outcome[0].hint == "did you mean 'sms'?"
    for channel in ("sms", "sms_marketing", ""):
        assert settled(kind, channel=channel)["channel"] == channel


def test_a_preference_may_name_a_channel_by_its_own_name_in_the_settings() -> None:
    data = settled("preference.set", channels=["sms_marketing", "email_de"])
    assert data["channels"] == ["sms_marketing", "email_de"]


def test_a_habit_is_hours_of_some_days_and_needs_them() -> None:
    data = settled("customer.habit", windows=[{"days": "mon", "from": "19:00", "to": "21:00"}])
    assert data == {"windows": [{"days": [0], "from": "19:00", "to": "21:00", "channel": ""}]}
    assert wrong("customer.habit") == [("/data/windows", "E101")]


@pytest.mark.parametrize("zone", ["Europe/Berln", "CEST", "../../etc/passwd", "localtime"])
def test_a_customer_whose_zone_nobody_knows_is_taken_all_the_same(zone: str) -> None:
    """FACTS case 17: the order's place decides, and the reason of the message says so."""
    assert settled("customer.upserted", time_zone=zone) == {"time_zone": zone}


def test_consent_is_for_a_known_purpose_or_for_all() -> None:
    for purpose in ("", *Purpose):
        assert settled("consent.withdrawn", purpose=str(purpose))["purpose"] == purpose
    assert settled("consent.withdrawn", purpose=None, channel="sms") == {"channel": "sms"}
    assert wrong("consent.given", purpose="spam") == [("/data/purpose", "E103")]
    slip = parse(event("consent.given", "C-1", "2026-03-12 11:00", purpose="marketng"), NOW, place=HERE)
    assert isinstance(slip, list)
    (problem,) = slip
    assert problem.message == ("data.purpose must be 'security', 'service', 'relationship' or 'marketing'")
    assert problem.hint == "did you mean 'marketing'?"


# ── data: orders ─────────────────────────────────────────────────────────────


def test_people_and_places_may_be_plain_texts() -> None:
    data = settled(
        "order.upserted",
        owner="Nora Brandt",
        manager="paul.lindner@example.com",
        location="munich",
        parties={"co_buyer": "Jonas Weber", "neighbour": {"name": "Aylin Demir", "phone": None}},
    )
    assert data == {
        "owner": {"name": "Nora Brandt"},
        "manager": {"email": "paul.lindner@example.com"},
        "location": {"id": "munich"},
        "parties": {"co_buyer": {"name": "Jonas Weber"}, "neighbour": {"name": "Aylin Demir"}},
    }


def test_null_takes_an_orders_field_away() -> None:
    data = settled("order.upserted", owner=None, location=None, customer=None, parties=None)
    assert data == {"owner": {}, "location": {}, "customer": "", "parties": {}}


def test_people_of_an_order_are_checked_like_customers() -> None:
    found = wrong(
        "order.upserted",
        owner={"name": "Nora Brandt", "email": "nora", "time_zone": "Berlin", "phone": "030 23125110"},
        manager="paul@",
        parties={"co_buyer": {"locale": "??"}},
        location={"time_zone": "CEST", "phone": "12"},
        customer={"id": "C-1"},
    )
    assert sorted(found) == [
        ("/data/customer", "E102"),
        ("/data/location/phone", "E115"),
        ("/data/location/time_zone", "E110"),
        ("/data/manager/email", "E113"),
        ("/data/owner/email", "E113"),
        ("/data/owner/phone", "E115"),
        ("/data/owner/time_zone", "E110"),
        ("/data/parties/co_buyer/locale", "E111"),
    ]


# ── JSON lines ───────────────────────────────────────────────────────────────


def lines(*texts: str | bytes) -> list[Incoming | list[Problem]]:
    raw = [text if isinstance(text, bytes) else text.encode() for text in texts]
    return list(parse_lines(raw, "facts.jsonl", None))


def only_problem(*texts: str | bytes) -> Problem:
    (outcome,) = lines(*texts)
    assert isinstance(outcome, list)
    (problem,) = outcome
    return problem


def test_blank_lines_and_a_byte_order_mark_say_nothing() -> None:
    text = json.dumps(REACHED)
    outcomes = lines(b"\xef\xbb\xbf" + text.encode() + b"\r\n", "", "\n", "  \t\r\n", text)
    assert [type(outcome) for outcome in outcomes] == [Incoming, Incoming]


def test_a_problem_points_at_its_line_and_at_the_key_that_holds_it() -> None:
    line = (
        '{"specversion":"1.0","id":"e1","source":"ü","type":"promise.made","subject":"O-1", "data" : '
        '{"milestone":"arrived","date":"2026-02-30"}, "time":"2026-03-12T10:00:00Z"}\n'
    )
    problem = only_problem("\n", line)
    column = line.index('"date"') + 1
    assert str(problem) == f"facts.jsonl:2:{column}: E106 data.date 2026-02-30 does not exist"
    assert problem.source == line.rstrip()
    assert problem.pointer == "/data/date"


def test_a_missing_field_is_pointed_at_where_it_would_stand() -> None:
    line = json.dumps(REACHED | {"data": {"when": "now"}})
    assert only_problem(line).column == line.index('"data"') + 1


def test_an_item_of_a_list_is_pointed_at() -> None:
    line = json.dumps(event("slot.offered", "O-1", "2026-03-12 11:00", slots=[{"id": "a"}, {"id": 7}]))
    assert only_problem(line).column == line.index('"id": 7') + 1


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        ('{"a": NaN}', "E001", 7),
        ('{"a": 1e999}', "E001", 7),
        ('{"a": 1,}', "E001", 8),
        ('{"a": "\\ud800"}', "E001", 8),
        (b'{"a": "\xff"}', "E001", 0),
        ('{"a": 1, "a": 1}', "E002", 10),
        ('{"a": 1, "\\u0061": 1}', "E002", 10),
        ('{"a": "\\"", "b": 1, "b": 1}', "E002", 21),
        ('{"d": [{}, {"ü": {"x": 1, "y": [2, {"z": 3}], "x": 4}}]}', "E002", 47),
        ("[]", "E005", 1),
        ('"text"', "E005", 1),
        ("[" * 40 + "]" * 40, "E003", 0),
        ("[" * 100_000, "E001", 1026),
        ('{"a": "' + "x" * (1 << 20) + '"}', "E004", 0),
    ],
)
def test_what_is_not_strict_json_is_refused_where_it_breaks(
    text: str | bytes, code: str, column: int
) -> None:
    problem = only_problem(text)
    assert (problem.code, problem.column) == (code, column)


def test_one_bad_line_does_not_silence_its_neighbours() -> None:
    good = json.dumps(REACHED)
    assert [type(outcome) for outcome in lines(good, "{", good)] == [Incoming, list, Incoming]


def test_a_file_is_read_one_line_at_a_time() -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield json.dumps(REACHED).encode()

    outcomes = parse_lines(endless(), "facts.jsonl", None)
    for _ in range(3):
        next(outcomes)
    assert taken == 3


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.booleans())
def test_json_without_a_duplicate_is_read_as_any_reader_would(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    if not any("\ud800" <= char <= "\udfff" for char in json.dumps(value, ensure_ascii=False)):
        assert strict_json.decode(text.encode()) == json.loads(text)


KEYS = st.sampled_from(["a", '"', '\\"', "ü", "", ':"', '":', "\\", "u0022"])
PAIRS = st.recursive(
    st.sampled_from(["1", '"x"', '"\\""', '"\\u0022"', '"\\\\"', "[]"]),
    lambda inner: st.lists(st.tuples(KEYS, st.booleans(), inner), max_size=4).map(
        lambda pairs: (
            "{"
            + ", ".join(f"{json.dumps(key, ensure_ascii=plain)} : {value}" for key, plain, value in pairs)
            + "}"
        )
    ),
    max_leaves=12,
)


@given(PAIRS)
def test_a_duplicate_key_is_found_however_it_is_written(text: str) -> None:
    duplicate = False

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal duplicate
        duplicate |= len(dict(pairs)) != len(pairs)
        return dict(pairs)

    json.loads(text, object_pairs_hook=look)
    with pytest.raises(strict_json.Refused, match=r"twice|times") if duplicate else nullcontext():
        strict_json.decode(text.encode())


def test_every_key_that_comes_again_is_named_where_it_does() -> None:
    line = b'{"id": 1, "a": {"x": 1, "x": 2}, "id": 2, "l": [{}, {"y": 1, "y": 2}], "id": 3, "d": 1, "d": {}}'
    (found,) = parse_lines([line], "events.jsonl", NOW)
    assert isinstance(found, list)
    assert [(p.code, p.pointer, p.message.removeprefix("the line has the key ")) for p in found] == [
        ("E002", "/a/x", "'x' twice"),
        ("E002", "/id", "'id' 3 times"),
        ("E002", "/l/1/y", "'y' twice"),
        ("E002", "/d", "'d' twice"),
    ]
    assert all(line[p.column - 1 :].startswith(b'"' + p.pointer[-1].encode()) for p in found[:1])


@given(JSON)
def test_whatever_arrives_is_accepted_or_refused_and_never_an_accident(value: Any) -> None:
    for kind in ("order.upserted", "promise.made", "preference.set", "slot.offered", "customer.upserted"):
        for data in (
            value,
            {"milestone": value, "from": value, "to": value, "slots": value, "windows": [value]},
        ):
            outcome = parse(REACHED | {"type": kind, "data": data}, NOW, place=HERE)
            assert isinstance(outcome, Incoming) or all(problem.code in EVENT_CODES for problem in outcome)


# ── files of any size ────────────────────────────────────────────────────────


def test_a_line_however_long_is_refused_in_the_memory_of_one_event(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    with file.open("wb") as stream:
        stream.write(orjson.dumps(REACHED) + b"\n")
        stream.truncate(1 << 28)  # a hole: it takes no room on the disk
        stream.seek(0, 2)
        stream.write(b"\n" + orjson.dumps(REACHED | {"id": "e2"}))
    tracemalloc.start()
    with file.open("rb") as stream:
        first, second, third = parse_lines(bounded(stream), "events.jsonl", NOW)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(first, Incoming)
    assert isinstance(second, list)
    assert [(problem.code, problem.line, problem.source) for problem in second] == [("E004", 2, "")]
    assert isinstance(third, Incoming)
    assert peak < 16 * MAX_EVENT


@given(st.lists(st.binary(max_size=9).map(lambda line: line.replace(b"\n", b""))), st.booleans())
def test_lines_are_those_of_the_file(parts: list[bytes], ended: bool) -> None:
    text = b"\n".join(parts) + (b"\n" if ended else b"")
    assert list(bounded(BytesIO(text))) == list(BytesIO(text))


def test_an_event_as_large_as_allowed_is_no_line_too_long() -> None:
    padding = MAX_EVENT - len(orjson.dumps(REACHED | {"data": {"milestone": "arrived", "note": ""}}))
    line = orjson.dumps(REACHED | {"data": {"milestone": "arrived", "note": "x" * (padding - 1)}}) + b"\n"
    (outcome,) = parse_lines(bounded(BytesIO(line)), "events.jsonl", NOW)
    assert isinstance(outcome, Incoming)


# ── documents that were written for reading ──────────────────────────────────


@pytest.mark.parametrize(
    ("document", "filter_"),
    [
        (REACHED, "."),
        ([REACHED, REACHED], ".[]"),
        ({"data": {}}, "."),
    ],
)
@pytest.mark.parametrize("begin", [b"", BOM, b"\n\n"])
def test_a_document_over_several_lines_is_one_problem_that_says_how_to_write_lines_of_it(
    document: object, filter_: str, begin: bytes
) -> None:
    text = begin + json.dumps(document, indent=2).encode()

    ((problem,),) = parse_lines(text.splitlines(keepends=True), "facts.json", NOW)

    assert (problem.code, problem.line) == ("E006", 3 if begin == b"\n\n" else 1)
    assert problem.message == "this is one JSON document over several lines"
    assert problem.hint == f"write one event per line: jq -c '{filter_}' facts.json"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (b"version: 1\njourney: new-car\nrules:\n", "tables are taken by `beforehand import`"),
        (b"order;date\nBX-1;2026-03-12\n" * 100, "tables are taken by `beforehand import`"),
        (b"\x1f\x8b\x08\x00abc", "unpack it first: gunzip -c facts.jsonl | beforehand ingest -"),
        ('{"id": "1"}'.encode("utf-16"), "it is UTF-16: save it as UTF-8"),
    ],
)
def test_a_file_of_which_no_line_is_an_event_is_one_problem(text: bytes, hint: str) -> None:
    ((problem,),) = parse_lines(text.splitlines(keepends=True), "facts.jsonl", NOW)

    assert (problem.code, problem.line) == ("E007", 1)
    assert problem.hint.endswith(hint)


def test_lines_before_the_first_event_are_refused_one_by_one_and_the_events_taken() -> None:
    lines = [b"# of March\n", b"\n", b"# from the dealer\n", json.dumps(REACHED).encode()]
    *refused, taken = parse_lines(lines, "facts.jsonl", NOW)

    assert [(problem.code, problem.line) for problems in refused for problem in problems] == [
        ("E001", 1),
        ("E001", 3),
    ]
    assert isinstance(taken, Incoming)


def test_that_events_have_no_time_is_said_once_with_what_to_write() -> None:
    refused = Refusals()
    lines = [json.dumps(without(REACHED, "time")).encode()] * 700
    for outcome in parse_lines(lines, "facts.jsonl", None):
        assert isinstance(outcome, list)
        refused.add(outcome)

    (problem,) = refused.told()
    assert problem.message == "the event has neither `time` nor `recordedtime`; nor have 699 others"
    assert '"time": "2026-03-12T17:30:00+01:00"' in problem.hint
    assert refused.events == 700


def test_lines_of_which_one_is_cut_off_are_refused_one_by_one() -> None:
    lines = [json.dumps(REACHED).encode(), b'{"specversion": "1.0",', b"{"]
    _, *refused = parse_lines(lines, "facts.jsonl", NOW)
    assert [problem.code for problems in refused for problem in problems] == ["E001", "E001"]


def test_a_list_on_one_line_says_what_to_do() -> None:
    ((problem,),) = parse_lines([b'[{"id": "1"}]'], "facts.jsonl", NOW)
    assert (problem.code, problem.message) == (
        "E005",
        "the line is a list: write each event on a line of its own",
    )
