"""A nightly table goes on saying what it knows of somebody erased; none of it comes back."""

from pathlib import Path

from orchestrator.cli import main
from tests.installation import begun, home, in_force
from tests.integration.test_import import House, house

__all__ = ["begun", "home", "house", "in_force"]


def standing(house: House) -> bool:
    files = [path for path in Path(house.folder).iterdir() if path.name.startswith("beforehand.db")]
    return any(b"Maria" in path.read_bytes() or b"maria.keller" in path.read_bytes() for path in files)


def test_a_nightly_table_brings_nothing_of_an_erased_customer_back(house: House) -> None:
    house.imported({})
    assert standing(house)
    assert main(["erase", "C-1", "--yes"]) == 0
    assert not standing(house)

    assert house.imported({}) == "1 row: 0 new events, 1 row unchanged, 0 refused"
    assert (
        house.imported({"Mail": "maria.keller@example.org"})
        == "1 row: 1 new event, 0 rows unchanged, 0 refused"
    )
    assert house.imported({"Mail": "maria.keller@example.org"}).endswith("1 row unchanged, 0 refused")
    assert not standing(house)
    assert house.customer().erased


def test_the_order_of_an_erased_customer_goes_on(house: House) -> None:
    house.imported({})
    assert main(["erase", "C-1", "--yes"]) == 0
    house.imported({"Promised": "2026-03-19", "Arrived": "2026-03-18"})
    assert house.promised() == ["2026-03-12", "2026-03-19"]
    assert house.order().milestones["arrived"].reached is not None
