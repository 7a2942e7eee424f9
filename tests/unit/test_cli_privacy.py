"""`export` and `erase` on an installation: what they print, ask, refuse and end with."""

import io
import json
import sys

import pytest

from tests.installation import Home, begun, home, in_force

__all__ = ["begun", "home", "in_force"]


@pytest.fixture
def told(begun: Home) -> Home:
    assert begun.run("ingest", begun.story())[0] == 0
    return begun


def test_export_shows_everything_kept_of_a_customer(told: Home) -> None:
    code, out, _ = told.run("export", "C-1")
    assert code == 0
    assert "name: Maria Keller" in out
    assert "service by email: yes" in out
    assert "marketing by email: the customer never gave consent to marketing by email" in out
    assert "Order A-1" in out


def test_export_is_one_document_for_a_program(told: Home) -> None:
    code, out, _ = told.run("export", "C-1", "--format", "json")
    document = json.loads(out)
    assert code == 0
    assert document["person"]["email"] == "maria@example.com"
    assert [fact["type"] for fact in document["facts"]] == ["customer.upserted"]
    assert [order["order"] for order in document["orders"]] == ["A-1"]
    assert {
        "customer",
        "ids",
        "as_of",
        "person",
        "may_send",
        "consents",
        "facts",
        "orders",
        "inbox",
        "outbox",
        "suppressed",
    } == set(document)


def test_erase_shows_first_and_asks(told: Home) -> None:
    code, out, err = told.run("erase", "C-1", "--dry-run")
    assert (code, "nothing was erased" in out) == (0, True)
    code, out, err = told.run("erase", "C-1")
    assert (code, out) == (2, "")
    assert "--yes" in err
    assert "Maria Keller" in told.run("export", "C-1")[1]


class Typing(io.StringIO):
    """Somebody at a terminal, who types this."""

    def isatty(self) -> bool:
        return True


class Interrupting(Typing):
    """Somebody who presses Ctrl+C instead."""

    def readline(self, *_: object) -> str:
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("answer", "ends"), [(Typing("C-2\n"), 1), (Typing("\n"), 1), (Typing(""), 1), (Interrupting(), 130)]
)
def test_only_who_types_the_id_erases(
    told: Home, monkeypatch: pytest.MonkeyPatch, answer: Typing, ends: int
) -> None:
    monkeypatch.setattr(sys, "stdin", answer)
    code, _, err = told.run("erase", "C-1")
    assert code == ends
    assert "Type C-1 to erase: " in err
    assert err.endswith("nothing was erased\n")
    assert "Maria Keller" in told.run("export", "C-1")[1]


def test_who_types_the_id_erases(told: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Typing("C-1\n"))
    assert told.run("erase", "C-1")[0] == 0
    assert "Maria Keller" not in told.run("export", "C-1")[1]


def test_erase_says_what_it_erased_and_kept(told: Home) -> None:
    code, out, _ = told.run("erase", "C-1", "--yes", "--reason", "request of 2026-03-01", "--format", "json")
    assert code == 0
    became = {line["what"]: (line["count"], line["became"]) for line in json.loads(out)}
    assert became["facts about the person"] == (1, "emptied")
    assert became["addresses"] == (1, "kept as hashes")
    _, out, _ = told.run("export", "C-1")
    assert "Maria" not in out
    assert "customer.erased: reason: request of 2026-03-01" in out
    assert "service by email: the customer was erased" in out
    assert "by email: yes" not in out


def note(told: Home, **data: object) -> None:
    said = {
        "specversion": "1.0", "id": "n-1", "source": "/crm", "type": "x.note", "subject": "A-7",
        "time": "2026-03-01T10:00:00Z", "data": data,
    }  # fmt: skip
    assert told.run("ingest", told.write("note.jsonl", json.dumps(said)))[0] == 0


def test_erasing_twice_claims_no_more_than_can_be_known(told: Home) -> None:
    _, out, _ = told.run("erase", "C-1", "--yes")
    assert "neither the ledger's files nor the outbox hold a name or an address of it" in out
    note(told, text="call Maria Keller")
    code, out, _ = told.run("erase", "C-1", "--yes")
    assert code == 0
    assert "neither" not in out
    assert "what came in since cannot be searched for them" in out


def test_what_an_erasure_cannot_take_out_is_named_each_time_and_by_doctor(told: Home) -> None:
    note(told, who={"maria@example.com": "asked"})
    for _ in range(2):
        code, out, _ = told.run("erase", "C-1", "--yes", "--format", "jsonl")
        stands = [line["why"] for line in map(json.loads, out.splitlines()) if line["what"] == "still stands"]
        assert (code, stands) == (1, ["fact /crm/n-1 (x.note) of order A-7: data.who.…"])
    assert "fact /crm/n-1 (x.note) of order A-7" in " ".join(
        told.run("doctor", "--format", "json")[1].split()
    )


@pytest.mark.parametrize("command", ["export", "erase"])
def test_a_customer_that_nobody_knows_is_said(home: Home, command: str) -> None:
    home.run("ingest", home.story())
    code, out, err = home.run(command, "C-9")
    assert (code, out) == (1, "")
    assert "no customer is called 'C-9'" in err


def test_explain_shows_each_consent_with_its_evidence(told: Home) -> None:
    said = {
        "specversion": "1.0", "id": "c-1", "source": "/shop", "type": "consent.given", "subject": "C-1",
        "time": "2026-03-01T10:00:00Z",
        "data": {"purpose": "marketing", "channel": "email", "evidence": "form 7"},
    }  # fmt: skip
    told.run("ingest", told.write("consent.jsonl", json.dumps(said)))
    _, out, _ = told.run("explain", "A-1")
    assert "yes to marketing by email, heard from /shop (how: form 7)" in out
    _, out, _ = told.run("explain", "A-1", "--format", "json")
    assert json.loads(out)["consents"][0]["evidence"] == {"how": "form 7"}


@pytest.mark.parametrize("merge", [("C-2", "C-1"), ("C-1", "C-2")], ids=["into", "from"])
def test_doctor_names_whoever_is_one_person_with_somebody_erased_until_they_are_erased_too(
    told: Home, merge: tuple[str, str]
) -> None:
    def hear(kind: str, subject: str, minute: int, **data: str) -> None:
        event = {"specversion": "1.0", "id": f"e-{minute}", "source": "/crm", "type": kind,
                 "subject": subject, "time": f"2026-03-01T10:{minute}:00Z", "data": data}  # fmt: skip
        assert told.run("ingest", told.write("news.jsonl", json.dumps(event)))[0] == 0

    assert told.run("erase", "C-1", "--yes")[0] == 0
    hear("customer.upserted", "C-2", 10, name="Maria Keller-Lang", email="maria@example.net")
    hear("customer.merged", merge[0], 20, into=merge[1])
    assert "beforehand erase C-2; customer.unmerged if they are two" in told.run("doctor")[1]
    hear("customer.unmerged", merge[0], 30)
    assert "erase C-2" not in told.run("doctor")[1]
    hear("customer.merged", merge[0], 40, into=merge[1])
    assert told.run("erase", "C-2", "--yes")[0] == 0
    assert "erase C-2" not in told.run("doctor")[1]
    assert "Keller-Lang" not in told.run("export", "C-2")[1]


def test_doctor_names_whoever_asked_to_be_erased_until_it_is_done(told: Home) -> None:
    asked = {
        "specversion": "1.0", "id": "e-1", "source": "/crm", "type": "customer.erased", "subject": "C-1",
        "time": "2026-03-01T10:00:00Z", "data": {"reason": "her letter"},
    }  # fmt: skip
    told.run("ingest", told.write("asked.jsonl", json.dumps(asked)))
    assert "beforehand erase C-1" in told.run("doctor")[1]
    assert told.run("erase", "C-1", "--yes")[0] == 0
    assert "erase C-1" not in told.run("doctor")[1]


def test_erasing_whoever_was_merged_into_somebody_erased_says_of_whom_it_can_speak(told: Home) -> None:
    assert told.run("erase", "C-1", "--yes")[0] == 0
    for number, (kind, data) in enumerate(
        [
            ("customer.upserted", {"name": "Maria Keller-Lang", "email": "maria@example.net"}),
            ("customer.merged", {"into": "C-1"}),
        ]
    ):
        said = {"specversion": "1.0", "id": f"m-{number}", "source": "/crm", "type": kind, "subject": "C-2",
                "time": f"2026-03-01T1{number}:00:00Z", "data": data}  # fmt: skip
        assert told.run("ingest", told.write("news.jsonl", json.dumps(said)))[0] == 0
    assert "Keller-Lang" in told.run("export", "C-2")[1]
    code, out, _ = told.run("erase", "C-2", "--yes")
    assert code == 0
    assert "hold a name or an address of it; customer C-1 was erased before, on " in out
    assert "Keller-Lang" not in told.run("export", "C-2")[1]
