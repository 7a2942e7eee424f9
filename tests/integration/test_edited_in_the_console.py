"""What somebody edited in the console stays in force, whatever the files, the daemon and `apply` do."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator import activation, config
from orchestrator.activation import Proposal
from orchestrator.cli import house, ledgers
from orchestrator.config.settings import Settings
from orchestrator.errors import Stale
from orchestrator.ledger import Ledger, RuleSet, RuleSetState
from orchestrator.rules import edited
from tests.installation import Home, home

__all__ = ["home"]

CAR = "rules/new-car.yaml"
OLD, NEW = 'at: "16:00"', 'at: "15:00"'


@pytest.fixture
def ledger(home: Home) -> Iterator[Ledger]:
    """An installation whose rules are in force."""
    assert home.run("apply")[0] == 0
    with Ledger.open(f"sqlite:///{home.folder / 'beforehand.db'}") as opened:
        yield opened


def chosen() -> Settings:
    return config.load(Path("config.toml"), {})


def active(ledger: Ledger) -> RuleSet:
    with ledger.read() as tx:
        found = tx.ruleset(RuleSetState.ACTIVE)
    assert found is not None
    return found


def car(ledger: Ledger) -> str:
    return active(ledger).sources[CAR]


def proposed(ledger: Ledger, old: str = OLD, new: str = NEW) -> Proposal:
    """What the console proposes when Nora edits the rules of cars."""
    now, before = datetime.now(UTC), active(ledger)
    text = before.sources[CAR].replace(old, new)
    assert text != before.sources[CAR]
    names = edited.by_name(before.sources, "rules")
    edits = edited.edited(names, edited.read(before.edits), {"new-car.yaml": text}, "Nora Brandt", now)
    sources = {**before.sources, CAR: text}
    files = {path: one for path, one in sources.items() if path != ledgers.SETTINGS}
    book = house.understood(chosen(), files).book
    found = activation.propose(ledger, sources, book, now, most=10, share=1, edits=edited.written(edits))
    return replace(found, by="Nora Brandt", why="they close earlier", person=7)


@contextmanager
def edited_by_nora(ledger: Ledger) -> Iterator[None]:
    activation.put_in_force(ledger, proposed(ledger), datetime.now(UTC), "Nora Brandt")
    yield


def test_neither_apply_nor_a_daemons_start_takes_an_edit_back(home: Home, ledger: Ledger) -> None:
    with edited_by_nora(ledger):
        assert "nothing would change" in home.run("plan")[1]
        assert home.run("apply")[0] == 0
        assert ledgers.take_up(chosen(), ledger) == ""
        assert NEW in car(ledger)
        home.replace("rules/parcel.yaml", "title: ", "title: Once more, ")
        assert home.run("apply")[0] == 0
        assert NEW in car(ledger)
        assert "Once more" in active(ledger).sources["rules/parcel.yaml"]


def test_a_file_that_changed_as_well_is_refused_at_its_place_and_nothing_changes(
    home: Home, ledger: Ledger
) -> None:
    with edited_by_nora(ledger):
        home.replace(CAR, OLD, 'at: "14:00"')
        code, _, err = home.run("apply")
        assert code == 1
        assert f"{CAR}:1:1: R057" in err
        assert "Nora Brandt" in err
        assert "problem" in ledgers.take_up(chosen(), ledger)
        assert "rules pull" in home.run("doctor")[1]
        assert NEW in car(ledger)


def test_pulled_the_files_have_it_and_may_go_on_from_there(home: Home, ledger: Ledger) -> None:
    with edited_by_nora(ledger):
        code, out, _ = home.run("rules", "pull")
        assert (code, out.splitlines()[-1]) == (0, "1 file as in force")
        assert (home.folder / CAR).read_text() == car(ledger)
        home.replace(CAR, NEW, 'at: "14:30"')
        assert home.run("apply")[0] == 0
        assert "14:30" in car(ledger)
        assert active(ledger).edits == ""


def test_pulled_beside_a_file_that_changed_as_well_neither_is_lost(home: Home, ledger: Ledger) -> None:
    with edited_by_nora(ledger):
        home.replace(CAR, OLD, 'at: "14:00"')
        code, out, _ = home.run("rules", "pull")
        assert code == 1
        assert "new-car.yaml.console" in out
        assert "14:00" in (home.folder / CAR).read_text()
        assert NEW in (home.folder / f"{CAR}.console").read_text()
        assert home.run("apply", "--files")[0] == 0
        assert "14:00" in car(ledger)


def test_an_edit_that_waits_for_a_second_person_outlives_a_restart_and_an_apply(
    home: Home, ledger: Ledger
) -> None:
    before = car(ledger)
    activation.hold(ledger, proposed(ledger), datetime.now(UTC))
    assert "Nora Brandt" in ledgers.take_up(chosen(), ledger)
    code, _, err = home.run("apply")
    assert code == 1
    assert "held for a person: what Nora Brandt edited in the console waits for a second person" in err
    assert car(ledger) == before
    held = activation.held(ledger)
    assert held is not None
    assert (held.by, held.why, held.person) == ("Nora Brandt", "they close earlier", 7)
    assert home.run("apply", "--release")[0] == 0
    assert NEW in car(ledger)
    assert (active(ledger).id, active(ledger).by) == (held.id, "Nora Brandt")
    assert "nothing would change" in home.run("plan")[1]


def test_a_rejected_edit_is_kept_as_it_was(home: Home, ledger: Ledger) -> None:
    activation.hold(ledger, proposed(ledger), datetime.now(UTC))
    assert home.run("apply", "--reject")[0] == 0
    with ledger.read() as tx:
        newest = tx.rulesets()[0]
    assert newest.state is RuleSetState.REJECTED
    assert NEW in newest.sources[CAR]
    assert "rejected" in home.run("rules", "versions")[1]


def test_who_proposed_before_somebody_elses_edit_came_into_force_does_not_undo_it(
    home: Home, ledger: Ledger
) -> None:
    late = proposed(ledger, "within: 14h", "within: 12h")
    with edited_by_nora(ledger), pytest.raises(Stale, match="in the meantime"):
        activation.put_in_force(ledger, late, datetime.now(UTC), "Paul Lindner")
    assert NEW in car(ledger)


def test_every_version_is_listed_with_who_and_why(home: Home, ledger: Ledger) -> None:
    with edited_by_nora(ledger):
        code, out, _ = home.run("rules", "versions", "--format", "jsonl")
        first, *_ = out.splitlines()
        assert code == 0
        assert '"by":"Nora Brandt"' in first.replace(": ", ":")
        assert "new-car.yaml" in first
        assert "they close earlier" in first
