"""What the command line changes stands in the record of changes, beside what the console changes."""

from orchestrator.access.audit import COMMAND_LINE
from orchestrator.ledger import Ledger
from tests.installation import Home, begun, home, in_force

__all__ = ["begun", "home", "in_force"]

ADDRESS = "gone@example.com"


def recorded(home: Home) -> list[tuple[str, str]]:
    """What was changed and about what, the oldest first."""
    with Ledger.open(f"sqlite:///{home.folder / 'beforehand.db'}") as ledger, ledger.read() as tx:
        changes = list(reversed(tx.changes()))
    assert all(change.door == COMMAND_LINE and change.who for change in changes)
    return [(change.what, change.about) for change in changes]


def test_what_stands_still_and_goes_on_is_recorded_once(home: Home) -> None:
    for command in ("pause", "pause", "resume"):
        assert home.run(command, "--rule", "arrived")[0] == 0
    assert recorded(home) == [("pause", "rule arrived"), ("resume", "rule arrived")]


def test_what_is_refused_is_not_recorded(home: Home) -> None:
    assert home.run("pause", "--rule", "arrived")[0] == 0
    assert home.run("resume", "--rule", "arrived", "--channel", "email")[0] != 0
    assert recorded(home) == [("pause", "rule arrived")]


def test_an_address_on_the_list_is_recorded_without_the_address(home: Home) -> None:
    assert home.run("suppressions", "add", ADDRESS, "--reason", f"{ADDRESS} moved")[0] == 0
    assert home.run("suppressions", "remove", ADDRESS, "--reason", "is back")[0] == 0
    assert [what for what, _ in recorded(home)] == ["suppress an address", "lift a suppression"]
    assert ADDRESS.encode() not in (home.folder / "beforehand.db").read_bytes()


def test_rules_in_force_and_a_customer_erased_are_recorded(begun: Home) -> None:
    assert begun.run("ingest", begun.story())[0] == 0
    assert begun.run("apply")[0] == 0
    assert begun.run("erase", "C-1", "--yes", "--reason", "asked")[0] in (0, 1)
    assert recorded(begun) == [("apply rules", "rules"), ("customer erased", "customer C-1")]
