"""The suppression list: by hand, from providers' exports, from another ledger; hashes, and no addresses."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.base import Rejected
from orchestrator.ledger import Ledger
from orchestrator.model import Status
from orchestrator.sending.suppressions import EVERYWHERE, found, lift, suppress
from tests.installation import Home, home
from tests.integration.dealership import MARIA, Dealership, Scripted, arrived, customer, order

__all__ = ["home"]

NOW = datetime(2026, 3, 12, 9, tzinfo=UTC)
LIST = "suppressions"


def rows(home: Home, *more: str) -> list[dict[str, Any]]:
    _, out, _ = home.run(LIST, "list", "--format", "json", *more)
    found: list[dict[str, Any]] = json.loads(out)
    return found


def importing(home: Home, text: str, *more: str, name: str = "list.csv") -> tuple[int, str, str]:
    home.write(name, text)
    return home.run(LIST, "import", name, *more)


# ── by hand ──────────────────────────────────────────────────────────────────


def test_an_address_is_added_asked_for_and_taken_off_with_a_reason(home: Home) -> None:
    code, out, _ = home.run(
        LIST, "add", "Maria.Keller@Example.com", "--reason", "her letter", "--evidence", "2 March"
    )
    assert (code, out) == (0, "on email: nothing is sent to it any more\n")
    code, out, _ = home.run(LIST, "add", "maria.keller@example.com", "--reason", "again")
    assert out == "on email: it was on the list already, and its first reason stays\n"

    (row,) = rows(home, "--address", "maria.keller@EXAMPLE.com")
    assert (row["scope"], row["reason"], row["evidence"]) == ("email", "her letter", "2 March")
    assert "maria" not in json.dumps(rows(home)).lower()

    code, out, _ = home.run(LIST, "remove", "maria.keller@example.com", "--reason", "she changed her mind")
    assert (code, out) == (0, "on email: it is off the list\n")
    assert rows(home) == []
    with Ledger.open(f"sqlite:///{home.folder / 'beforehand.db'}") as ledger, ledger.read() as tx:
        kept = tx._connection.exec_driver_sql("SELECT channel, reason, why FROM unsuppressions").all()
    assert [tuple(row) for row in kept] == [("email", "her letter", "she changed her mind")]


def test_a_national_number_needs_its_country_and_is_the_same_however_it_is_written(home: Home) -> None:
    code, _, err = home.run(LIST, "add", "030 23125 101", "--reason", "STOP by telephone")
    assert code == 2
    assert "no known country" in err
    home.run(LIST, "add", "030 23125 101", "--country", "DE", "--reason", "STOP by telephone")
    assert [row["scope"] for row in rows(home, "--address", "+49 (30) 23125-101")] == ["sms"]


def test_what_is_everywhere_is_not_taken_off_by_naming_a_channel(home: Home) -> None:
    home.run(LIST, "add", MARIA, "--everywhere", "--reason", "her lawyer")
    code, _, err = home.run(LIST, "remove", MARIA, "--reason", "a slip")
    assert code == 1
    assert "it is on every channel: her lawyer (since " in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "nobody", "--reason", "x"), "is no address"),
        (("add", MARIA, "--channel", "emial", "--reason", "x"), "did you mean 'email'?"),
        (("add", MARIA, "--channel", "sms", "--everywhere", "--reason", "x"), "not both"),
        (("remove", MARIA, "--reason", " "), "say why"),
        (("import", "there-is-none.csv"), "cannot be read"),
    ],
)
def test_a_slip_is_told_and_changes_nothing(home: Home, words: tuple[str, ...], said: str) -> None:
    code, _, err = home.run(LIST, *words)
    assert code == 2
    assert said in err
    assert rows(home) == []


# ── import ───────────────────────────────────────────────────────────────────

EXPORTS = {
    "sendgrid": "status,reason,email,created\n5.1.1,550 no such user,maria.keller@example.com,1741770000\n",
    "ses": "EmailAddress,Reason,LastUpdateTime\nmaria.keller@example.com,BOUNCE,2025-03-12T09:00:00+00:00\n",
    "mailgun": "address,code,error,created_at\n"
    'maria.keller@example.com,550,no such user,"Wed, 12 Mar 2025 09:00:00 UTC"\n',
    "postmark": "EmailAddress;SuppressionReason;Origin;CreatedAt\r\n"
    "maria.keller@example.com;HardBounce;Recipient;2025-03-12\r\n",
    "own": "\ufeffE-Mail\tGrund\tDatum\nMaria.Keller@example.com\tBrief\t2025-03-12\n",
}


@pytest.mark.parametrize("kind", EXPORTS)
def test_what_providers_export_is_understood_and_the_same_file_again_changes_nothing(
    home: Home, kind: str
) -> None:
    code, out, err = importing(home, EXPORTS[kind])
    assert (code, out[:31]) == (0, "1 address: 1 new, 0 known alrea"), err
    (row,) = rows(home, "--address", "maria.keller@example.com")
    assert (row["scope"], str(row["since"])[:10]) == ("email", "2025-03-12")
    assert row["reason"]

    assert importing(home, EXPORTS[kind])[1].startswith("1 address: 0 new, 1 known already")
    assert rows(home) == rows(home)
    assert len(rows(home)) == 1


def test_every_bad_line_is_told_at_once_and_nothing_is_half_done(home: Home) -> None:
    text = (
        "email,channel,created\n"
        "maria.keller@example.com,email,2025-03-12\n"
        "no address,email,2025-03-12\n"
        "jonas.weber@example.com,emial,2025-03-12\n"
        ",email,2025-03-12\n"
        "aylin.demir@example.com,email,soon\n"
        "a@example.com,email\n"
        "b@example.com,email,2999-01-01\n"
    )
    code, _, err = importing(home, text)
    assert code == 1
    told = [line for line in err.splitlines() if line.startswith("list.csv:")]
    places = [":".join(line.split(":")[1:3]) for line in told]
    assert places == ["3:1", "4:25", "5:0", "6:31", "7:0", "8:21"]
    assert [line.split(": ")[1].split()[0] for line in told] == [
        "M302",
        "M303",
        "M302",
        "M304",
        "M104",
        "M304",
    ]
    assert "did you mean 'email'?" in err
    assert "jonas" not in err
    assert rows(home) == []


def test_columns_that_nobody_knows_are_asked_about(home: Home) -> None:
    code, _, err = importing(home, "who,why\nmaria.keller@example.com,x\n")
    assert (code, "M301" in err, "--column address=NAME" in err) == (1, True, True)
    code, _, err = importing(home, "email,resaon\nmaria.keller@example.com,x\n")
    assert (code, "did you mean 'reason'?" in err) == (1, True)
    code, out, _ = importing(home, "who,why\nmaria.keller@example.com,x\n", "--column", "address=who")
    assert (code, out) == (0, "1 address: 1 new, 0 known already; nothing is made of why\n")


def test_a_dry_run_keeps_nothing(home: Home) -> None:
    _, out, _ = importing(home, EXPORTS["ses"], "--dry-run")
    assert "a dry run" in out
    assert rows(home) == []


def test_what_was_taken_off_stays_off_unless_it_bounced_later(home: Home) -> None:
    importing(home, EXPORTS["ses"])
    home.run(LIST, "remove", MARIA, "--reason", "the mailbox is back")
    assert "1 taken off the list since then and left so" in importing(home, EXPORTS["ses"])[1]
    assert "1 taken off" in importing(home, "email\nmaria.keller@example.com\n")[1]  # without a date, too
    assert rows(home) == []

    with Ledger.open(f"sqlite:///{home.folder / 'beforehand.db'}") as ledger, ledger.transaction() as tx:
        suppress(tx, "email", MARIA, "550 5.1.1", "5.1.1", datetime.now(UTC))
    assert len(rows(home)) == 1


# ── export, and another ledger ───────────────────────────────────────────────


def test_an_export_holds_hashes_and_evidence_and_is_safe_in_a_spreadsheet(home: Home) -> None:
    home.run(LIST, "add", MARIA, "--reason", "=HYPERLINK(1)", "--evidence", "letter")
    code, out, _ = home.run(LIST, "export", "out.csv", "--key-file", "key")
    assert (code, out) == (0, "1 address written to out.csv; the key is in key\n")
    (row,) = csv.DictReader((home.folder / "out.csv").read_text().splitlines())
    assert (row["scope"], row["reason"], row["evidence"]) == ("email", "'=HYPERLINK(1)", "letter")
    assert "maria" not in (home.folder / "out.csv").read_text().lower()
    assert (home.folder / "key").stat().st_mode & 0o077 == 0
    assert home.run(LIST, "export", "out.csv", "--key-file", "key")[0] == 2  # never over another file

    assert "0 new, 1 known already" in home.run(LIST, "import", "out.csv")[1]


def test_another_ledger_takes_the_hashes_with_the_key_and_only_with_it(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.run(LIST, "add", MARIA, "--everywhere", "--reason", "erased there")
    home.run(LIST, "export", "out.csv", "--key-file", "key")
    monkeypatch.setenv("BEFOREHAND_LEDGER__URL", f"sqlite:///{home.folder / 'other.db'}")
    code, _, err = home.run(LIST, "import", "out.csv")
    assert (code, "M305" in err, "--key-file" in err) == (1, True, True)
    assert rows(home) == []

    assert "1 new" in home.run(LIST, "import", "out.csv", "--key-file", "key")[1]
    (told,) = [line for line in home.run(LIST, "list")[1].splitlines() if "another ledger" in line]
    shown = next(iter(told.split()[1:]))
    assert shown in (home.folder / "out.csv").read_text("utf-8"), "the hash, and not the name of its key"
    assert [row["reason"] for row in rows(home, "--address", "MARIA.keller@example.com")] == ["erased there"]
    assert "0 new, 1 known" in home.run(LIST, "import", "out.csv")[1]  # the key is known by now
    home.run(LIST, "export", "again.csv")
    assert (home.folder / "again.csv").read_text() == (home.folder / "out.csv").read_text()
    home.run(LIST, "remove", MARIA, "--everywhere", "--reason", "she is back")
    assert rows(home) == []


# ── what it does ─────────────────────────────────────────────────────────────


def test_the_guard_names_scope_and_evidence(tmp_path: Path) -> None:
    house = Dealership(tmp_path)
    with house.ledger.transaction() as tx:
        suppress(tx, EVERYWHERE, MARIA, "her lawyer wrote", "letter of 2 March", NOW)
    house.hear(customer(), order(), arrived())
    house.drain()

    said = "nothing is sent to this address by email any more: her lawyer wrote"
    assert house.entry().status is Status.SUPPRESSED
    assert f"{said} (letter of 2 March, since 2026-03-12, on every channel)" in house.entry().reason
    house.close()


def test_an_address_that_was_taken_off_and_bounces_is_on_the_list_again(tmp_path: Path) -> None:
    dead = Scripted("email", lambda _: Rejected("no such mailbox", suppress=True, code="550 5.1.1"))
    house = Dealership(tmp_path, {"email": dead})
    with house.ledger.transaction() as tx:
        suppress(tx, "email", MARIA, "bounced", "", NOW)
        lift(tx, "email", MARIA, "she says it works", NOW)
    house.hear(customer(owner=None), order(owner=None, manager=None), arrived())
    house.drain()

    assert [(one.reason, one.evidence) for one in house.suppressions()] == [("no such mailbox", "550 5.1.1")]
    house.close()


SPELLINGS = [
    ("maria@müller.example", "MARIA@xn--mller-kva.example"),
    ("jo\u0308rg@example.com", "J\u00f6rg@example.com"),
    ("+49 (30) 23125-101", "+493023125101"),
]


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_one_address_in_two_spellings_is_one_address(one: str, other: str) -> None:
    with Ledger.open("sqlite://", upgrade=True) as ledger, ledger.transaction() as tx:
        suppress(tx, "email", one, "x", "", NOW)
        assert found(tx, [("email", other)])


@given(st.text(max_size=30))
def test_whatever_stands_for_an_address_is_found_again_on_its_channel_alone(text: str) -> None:
    with Ledger.open("sqlite://", upgrade=True) as ledger, ledger.transaction() as tx:
        suppress(tx, "email", text, "x", "", NOW)
        assert found(tx, [("email", text)])
        assert not found(tx, [("sms", text)])
