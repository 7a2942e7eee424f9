"""`pause` and `resume`: what stands still, until when, and what is refused."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.ledger import Ledger
from tests.installation import Home, begun, home, in_force

__all__ = ["begun", "home", "in_force"]


@pytest.fixture
def ledger(begun: Home) -> Iterator[Ledger]:
    """The ledger of an installation that knows one order."""
    assert begun.run("ingest", begun.story())[0] == 0
    with Ledger.open(f"sqlite:///{begun.folder / 'beforehand.db'}") as opened:
        yield opened


def paused(home: Home) -> list[tuple[str, str, str]]:
    code, out, _ = home.run("pause", "--format", "json")
    assert code == 0
    return [(row["kind"], row["name"], row["reason"]) for row in json.loads(out)]


def test_nothing_is_paused_in_a_new_installation_and_asking_makes_no_ledger(home: Home) -> None:
    assert home.run("pause")[:2] == (0, "nothing is paused\n")
    assert not (home.folder / "beforehand.db").exists()


@pytest.mark.parametrize(
    ("option", "kind", "name"),
    [
        (("--all",), "everything", ""),
        (("--rule", "arrived"), "rule", "arrived"),
        (("--channel", "email"), "channel", "email"),
    ],
)
def test_what_is_paused_is_listed_with_its_reason_until_it_is_resumed(
    home: Home, ledger: Ledger, option: tuple[str, ...], kind: str, name: str
) -> None:
    code, out, _ = home.run("pause", *option, "--reason", "wrong prices")
    assert code == 0
    assert out.endswith(f"to let it go on: beforehand resume {' '.join(option)}\n")
    assert paused(home) == [(kind, name, "wrong prices")]
    assert home.run("resume", *option)[0] == 0
    assert paused(home) == []


def test_a_location_is_paused_by_the_name_its_orders_have(home: Home, ledger: Ledger) -> None:
    code, _, err = home.run("pause", "--location", "munich")
    assert (code, "no location is called 'munich'" in err) == (2, True)
    with ledger.transaction() as tx:
        (row,) = tx.list_orders()
        tx.store_orders([type(row)(row.id, row.customer, row.journey, location="munich")])
    assert home.run("pause", "--location", "munich")[0] == 0
    assert paused(home) == [("location", "munich", "by hand")]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--rule", "arived"), "did you mean 'arrived'?"),
        (("--channel", "emial"), "did you mean 'email'?"),
        (("--channel", "email", "--all"), "name nothing beside it"),
        (("--rule", "arrived", "--rule", "arived"), "did you mean 'arrived'?"),
        (("--rule", ""), "--rule names nothing"),
    ],
)
def test_a_slip_stops_nothing_and_says_so(
    home: Home, ledger: Ledger, options: tuple[str, ...], words: str
) -> None:
    code, _, err = home.run("pause", *options)
    assert code == 2
    assert words in err
    assert paused(home) == []


def test_several_of_each_kind_are_paused_and_go_on_together_or_not_at_all(home: Home, ledger: Ledger) -> None:
    several = ("--rule", "arrived", "--rule", "not-arrived", "--channel", "email", "--rule", "arrived")
    code, out, _ = home.run("pause", *several)
    assert (code, len(out.splitlines())) == (0, 3)
    everything = [
        ("channel", "email", "by hand"),
        ("rule", "arrived", "by hand"),
        ("rule", "not-arrived", "by hand"),
    ]
    assert sorted(paused(home)) == everything
    code, _, err = home.run("resume", *several, "--channel", "sms")
    assert code == 1
    assert "channel sms is not paused; paused: " in err
    assert "rule not-arrived" in err
    assert sorted(paused(home)) == everything
    assert home.run("resume", *several)[0] == 0
    assert paused(home) == []


@pytest.mark.parametrize("kind", ["everything", "rule", "channel"])
def test_what_comes_next_says_that_it_is_paused(home: Home, kind: str) -> None:
    home.run("ingest", home.story(datetime.now(UTC) - timedelta(minutes=1), timedelta()))
    first = coming(home)[0]
    assert "paused" not in first["why_then"]
    name = {"everything": "", "rule": first["rule"], "channel": first["channels"][0]}[kind]
    home.run("pause", *([f"--{kind}", name] if name else ["--all"]), "--reason", "wrong prices")
    told = f"{kind} {name}".rstrip() + " is paused: wrong prices"
    assert coming(home)[0]["why_then"].startswith(told)
    assert told in " ".join(home.run("explain", "A-1")[1].split())


def coming(home: Home) -> list[dict[str, Any]]:
    return list(json.loads(home.run("explain", "A-1", "--format", "json")[1])["next"])


def test_resuming_what_is_not_paused_names_what_is(home: Home, ledger: Ledger) -> None:
    home.run("pause", "--rule", "arrived")
    code, _, err = home.run("resume", "--channel", "email")
    assert code == 1
    assert "channel email is not paused; paused: rule arrived" in err
    assert home.run("resume")[0] == 2


def test_doctor_names_what_is_paused_since_when_why_and_how_it_goes_on(home: Home, ledger: Ledger) -> None:
    home.run("pause", "--rule", "arrived", "--reason", "wrong prices")
    code, out, _ = home.run("doctor", "--format", "json")
    assert code == 1
    (found,) = [row for row in json.loads(out) if row["what"] == "rule arrived"]
    assert found["detail"].startswith("paused since ")
    assert found["detail"].endswith(": wrong prices")
    assert found["remedy"] == "beforehand resume --rule arrived"
