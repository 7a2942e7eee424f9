"""A table night after night: what is kept, what is new, what is refused, and how much memory it takes."""

import json
import tracemalloc
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli import main
from orchestrator.ledger import Ledger
from orchestrator.model import Customer, Fact, Order
from orchestrator.planning.fold import fold_customer, fold_order
from orchestrator.tables.imports import Import
from orchestrator.tables.mapping import load
from orchestrator.timing import calendar
from tests.installation import LEDGER, Home, begun, home, in_force

__all__ = ["begun", "home", "in_force"]

MAP = """\
version: 1
table: cars
zone: Europe/Berlin
customer: {id: "{Customer}", name: "{Name}", email: "{Mail}"}
order:
  id: "{Id}"
  journey: new-car
  placed: Ordered
  location: {id: munich}
  attributes: {model: "{Model}", colour: blue, price: {value: "{Price}", as: number}}
promises: {arrived: Promised}
milestones: {arrived: Arrived}
cancelled: {column: State, is: [cancelled], reason: "customer withdrew"}
only: [{column: State, is_not: [test]}]
"""
COLUMNS = ("Id", "Customer", "Name", "Mail", "Model", "Price", "Ordered", "Promised", "Arrived", "State")
USUAL = {
    "Id": "BX-1", "Customer": "C-1", "Name": "Maria Keller", "Mail": "maria.keller@example.com",
    "Model": "Aria", "Price": "31000", "Ordered": "2026-01-05", "Promised": "2026-03-12", "State": "open",
}  # fmt: skip


class House:
    """A new installation, a mapping, and a table that is exported into it every night."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys
        (folder / "map.yaml").write_text(MAP, encoding="utf-8")

    def export(self, *rows: dict[str, str], encoding: str = "utf-8") -> None:
        """Write the table: each row is the usual one except for what is said."""
        lines = [",".join(COLUMNS)]
        lines += [",".join((USUAL | row).get(column, "") for column in COLUMNS) for row in rows]
        self.write("\n".join(lines) + "\n", encoding)

    def write(self, text: str, encoding: str = "utf-8") -> None:
        (self.folder / "cars.csv").write_bytes(text.encode(encoding))

    def run(self, *options: str) -> tuple[int, str, str]:
        """The exit code, stdout and stderr of an import."""
        self._capsys.readouterr()
        code = main(["import", "cars.csv", "--map", "map.yaml", *options])
        out, err = self._capsys.readouterr()
        return code, out, err

    def imported(self, *rows: dict[str, str]) -> str:
        """Export these rows, import them without a refusal, and return the closing sentence."""
        self.export(*rows)
        code, out, err = self.run()
        assert (code, err) == (0, "")
        return out.strip()

    def facts(self, order: str = "BX-1") -> list[Fact]:
        with Ledger.open("sqlite:///beforehand.db") as ledger, ledger.read() as tx:
            return list(tx.order_facts([order]).get(order, ()))

    def order(self, name: str = "BX-1") -> Order:
        return fold_order(name, self.facts(name))

    def customer(self, name: str = "C-1") -> Customer:
        with Ledger.open("sqlite:///beforehand.db") as ledger, ledger.read() as tx:
            return fold_customer(name, tx.customer_facts([name])[name])

    def promised(self) -> list[str]:
        """Every version of the promise, in order."""
        return [str(promise.value.day) for promise in self.order().milestones["arrived"].promises]


@pytest.fixture
def house(begun: Home, capsys: pytest.CaptureFixture[str]) -> House:
    return House(begun.folder, capsys)


# ── what a row says ──────────────────────────────────────────────────────────


def test_a_row_is_a_customer_an_order_a_promise_and_what_happened(house: House) -> None:
    assert house.imported({"Arrived": "2026-03-11"}) == "1 row: 4 new events, 0 rows unchanged, 0 refused"
    order, customer = house.order(), house.customer()
    assert (order.customer, order.journey, order.location.id) == ("C-1", "new-car", "munich")
    assert order.location.time_zone == "Europe/Berlin"
    assert order.attributes == {"model": "Aria", "colour": "blue", "price": 31000}
    assert (customer.name, customer.email) == ("Maria Keller", "maria.keller@example.com")
    assert order.since == datetime(2026, 1, 5, 11, tzinfo=UTC)
    assert house.promised() == ["2026-03-12"]
    assert order.milestones["arrived"].reached == datetime(2026, 3, 11, 11, tzinfo=UTC)


def test_a_sum_of_money_is_kept_exactly_and_is_no_news_on_the_next_night(house: House) -> None:
    (house.folder / "map.yaml").write_text(MAP.replace('"{Price}", as: number', '"{Price} EUR", as: money'))
    house.imported({"Price": "31000.50"})
    assert house.order().attributes["price"] == {"amount": "31000.50", "currency": "EUR"}
    assert house.imported({"Price": "31000.50"}).endswith("1 row unchanged, 0 refused")


def test_what_arrives_on_the_promised_day_keeps_the_promise_even_before_closing_time(house: House) -> None:
    house.imported({"Arrived": "2026-03-12"})
    arrived = house.order().milestones["arrived"]
    assert arrived.promise is not None
    assert arrived.reached is not None
    closing = time(14)
    assert arrived.reached < calendar.ends(arrived.promise.value, "Europe/Berlin", closing)


def test_a_bare_date_of_today_counts_as_soon_as_it_is_heard(house: House) -> None:
    today = datetime.now(UTC).date()
    house.imported({"Arrived": today.isoformat()})
    reached = house.order().milestones["arrived"].reached
    assert reached is not None
    assert reached <= datetime.now(UTC)


def test_a_text_that_looks_like_a_formula_stays_as_it_is_in_the_data(house: House) -> None:
    house.imported({"Model": "=HYPERLINK(x)"})
    assert house.order().attributes["model"] == "=HYPERLINK(x)"


def test_rows_that_the_mapping_does_not_want_are_left_out(house: House) -> None:
    sentence = house.imported({}, {"Id": "BX-2", "State": "test"})
    assert sentence == "2 rows: 3 new events, 0 rows unchanged, 1 left out, 0 refused"
    assert house.facts("BX-2") == []


# ── night after night ────────────────────────────────────────────────────────


def test_the_same_export_again_says_nothing(house: House) -> None:
    house.imported({"Arrived": "2026-03-11"})
    before = house.facts()
    assert house.imported({"Arrived": "2026-03-11"}) == "1 row: 0 new events, 1 row unchanged, 0 refused"
    assert house.facts() == before


def test_a_date_that_moved_is_one_new_promise_and_nothing_else(house: House) -> None:
    house.imported({})
    assert house.imported({"Promised": "2026-03-19"}) == "1 row: 1 new event, 0 rows unchanged, 0 refused"
    assert house.promised() == ["2026-03-12", "2026-03-19"]


def test_a_date_that_moves_away_and_back_over_three_nights_is_three_promises(house: House) -> None:
    for day in ("2026-03-12", "2026-03-19", "2026-03-12"):
        house.imported({"Promised": day})
    assert house.promised() == ["2026-03-12", "2026-03-19", "2026-03-12"]
    assert [fact.id for fact in house.facts() if fact.type == "promise.made"] == [
        "promise/BX-1/arrived/2026-03-12",
        "promise/BX-1/arrived/2026-03-19",
        "promise/BX-1/arrived/2026-03-12#2",
    ]
    assert house.imported({"Promised": "2026-03-12"}) == "1 row: 0 new events, 1 row unchanged, 0 refused"


def test_only_the_first_promise_counts_as_told(house: House) -> None:
    for day in ("2026-03-12", "2026-03-19"):
        house.imported({"Promised": day})
    assert [promise.told for promise in house.order().milestones["arrived"].promises] == [True, False]


def test_an_arrival_that_disappears_from_the_table_is_taken_back_and_may_come_again(house: House) -> None:
    house.imported({"Arrived": "2026-03-11"})
    house.imported({"Arrived": ""})
    assert house.order().milestones["arrived"].reached is None
    house.imported({"Arrived": "2026-03-11"})
    arrived = house.order().milestones["arrived"]
    assert arrived.reached is not None
    assert arrived.episode == 2


def test_a_field_that_the_table_empties_is_emptied_and_one_it_never_filled_is_left_alone(
    house: House,
) -> None:
    house.imported({})
    house.export({"Mail": "", "Model": ""})
    assert house.run()[0] == 0
    assert house.customer().email == ""
    assert house.customer().name == "Maria Keller"
    assert not house.order().attributes["model"]
    house.imported({})
    assert house.customer().email == "maria.keller@example.com"


def test_an_order_is_cancelled_once_and_a_table_that_goes_on_with_it_is_noted(house: House) -> None:
    assert house.imported({"State": "cancelled"}) == "1 row: 4 new events, 0 rows unchanged, 0 refused"
    assert house.order().cancelled is not None
    house.export({"State": "open"})
    code, out, err = house.run()
    assert (code, out) == (0, "1 row: 0 new events, 1 row unchanged, 0 refused\n")
    assert err.startswith("cars.csv:2:0: M202 State says that an order goes on that was cancelled before")


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_an_import_says_which_orders_need_a_look(house: House, options: tuple[str, ...]) -> None:
    (house.folder / "map.yaml").write_text(MAP.replace("promises: {arrived:", "promises: {arived:"))
    house.export({}, {"Id": "BX-2", "Promised": ""})
    code, out, err = house.run(*options)

    assert (code, out.partition(":")[0]) == (0, "2 rows")
    assert err.startswith(
        "1 order needs a look: BX-1: milestone 'arived' is not on the path of new-car; did you"
    )


def test_an_import_says_which_orders_nobody_can_be_told_of(house: House) -> None:
    house.export({"Mail": ""})
    problem = (
        "1 order needs a look: BX-1: nobody can be told of it: customer 'C-1' has no address for any of its "
        "channels, and its owner has neither address nor number"
    )

    assert house.run("--dry-run")[2] == f"{problem}\n"
    assert house.run()[2] == f"{problem}; `beforehand doctor` lists them\n"


@pytest.mark.parametrize("options", [("--dry-run",), ()])
def test_whom_an_order_is_for_is_known_as_the_table_describes_them_by_now(
    house: House, options: tuple[str, ...]
) -> None:
    house.export({"Mail": ""})
    house.run()
    house.export({}, {"Id": "BX-2"}, {"Id": "BX-3", "Customer": "C-2", "Mail": ""})

    err = house.run(*options)[2]

    assert err.startswith("1 order needs a look: BX-3: nobody can be told of it: customer 'C-2'")


def test_a_dry_run_knows_the_customer_of_an_order_in_a_table_without_customers(house: House) -> None:
    house.export({"Mail": ""}, {"Id": "BX-2", "Customer": "C-2"})
    house.run()
    table = "\n".join(line for line in MAP.splitlines() if not line.startswith("customer:"))
    (house.folder / "map.yaml").write_text(table.replace("table: cars", "table: dates"), encoding="utf-8")
    house.export({"Promised": "2026-03-19"}, {"Id": "BX-2", "Promised": "2026-03-20"})

    err = house.run("--dry-run")[2]

    assert err.startswith("1 order needs a look: BX-1: nobody can be told of it: customer 'C-1'")


def test_a_dry_run_says_what_would_be_new_and_keeps_nothing(house: House) -> None:
    (house.folder / LEDGER).unlink()
    house.export({})
    assert house.run("--dry-run")[1] == (
        "1 row: 3 new events, 0 rows unchanged, 0 refused; a dry run, nothing was kept\n"
    )
    assert not (house.folder / LEDGER).exists()
    house.imported({})
    house.export({"Promised": "2026-03-19"})
    assert house.run("--dry-run")[1].startswith("1 row: 1 new event,")
    assert house.run("--dry-run", "--afresh")[1].startswith("1 row: 3 new events,")
    assert house.promised() == ["2026-03-12"]


def test_the_events_of_a_table_can_be_simulated_and_ingested(house: House) -> None:
    house.export({"Arrived": "2026-03-13"})
    house.run("--dry-run", "--events", "cars.jsonl")
    assert main(["simulate", "--events", "cars.jsonl", "--until", "2026-04-01"]) == 0
    assert main(["ingest", "cars.jsonl"]) == 0
    assert house.run()[1] == "1 row: 0 new events, 1 row unchanged, 0 refused\n"


# ── what is refused ──────────────────────────────────────────────────────────


def test_each_refused_row_is_in_the_report_and_the_good_ones_are_kept(house: House) -> None:
    house.export(
        {},
        {"Id": "BX-2", "Promised": "=soon"},
        {"Id": "BX-3", "Promised": "2026-02-30"},
        {"Id": ""},
        {"Id": "BX-5", "Customer": "C-5", "Mail": "nobody"},
        {"Id": "BX-6", "Price": "much"},
        {"Id": "BX-7", "Arrived": "2099-01-01"},
        {"Id": "BX-8"},
    )
    code, out, err = house.run("--report", "refused.csv")
    assert (code, out) == (1, "8 rows: 5 new events, 0 rows unchanged, 6 refused\n")
    lines = (house.folder / "refused.csv").read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[:5] for line in lines[1:]] == [
        ["3", "Promised", "'=soon", "yes", "M108"],
        ["4", "Promised", "2026-02-30", "yes", "M109"],
        ["5", "Id", "", "yes", "M107"],
        ["6", "Mail", "nobody", "yes", "E113"],
        ["7", "Price", "much", "yes", "M110"],
        ["8", "Arrived", "2099-01-01", "yes", "M113"],
    ]
    assert "cars.csv:3:0: M108 Promised is no date" in err
    assert "nobody" not in err


def test_two_lines_with_one_key_count_once_if_they_are_the_same_and_never_if_they_differ(
    house: House,
) -> None:
    house.export({}, {}, {"Id": "BX-2"}, {"Id": "BX-2", "Promised": "2026-03-19"})
    code, out, err = house.run()
    assert (code, out) == (1, "4 rows: 3 new events, 0 rows unchanged, 1 repeated, 2 refused\n")
    assert "cars.csv:4:0: M106 Id has the key of line 5 and says something else" in err
    assert "cars.csv:5:0: M106 Id has the key of line 4 and says something else" in err
    assert house.facts("BX-2") == []


def test_a_customer_described_in_two_ways_stays_as_first_described_every_night(house: House) -> None:
    for _ in range(2):
        house.export({}, {"Id": "BX-2", "Name": "M. Keller"})
        code, _, err = house.run()
        assert code == 0
        assert "M201" in err
    assert house.customer().name == "Maria Keller"
    assert house.run()[1] == "2 rows: 0 new events, 2 rows unchanged, 0 refused\n"


def test_a_file_in_another_encoding_is_refused_whole_with_the_one_it_is_likely_in(house: House) -> None:
    house.export({"Name": "Jürgen Weiß"}, encoding="cp1252")
    code, _, err = house.run()
    assert code == 1
    assert "M007" in err
    assert "line 2" in err or "cars.csv:2:1" in err
    assert "0xFC at byte " in err
    assert "write encoding: cp1252" in err
    assert not house.facts()


def test_utf8_read_as_something_else_is_noticed_though_every_byte_exists_there(house: House) -> None:
    (house.folder / "map.yaml").write_text(MAP + "encoding: cp1252\n", encoding="utf-8")
    house.export({"Name": "Jürgen Weiß"})
    code, _, err = house.run()
    assert code == 1
    assert "write encoding: utf-8" in err


@pytest.mark.parametrize("byte", [b"\xff", b"\xfc"])
def test_one_line_with_a_byte_that_is_no_text_costs_no_other_line_of_a_plain_file(
    house: House, byte: bytes
) -> None:
    house.export({}, {"Id": "BX-2"}, {"Id": "BX-3", "Name": "J_rgen"})
    file = house.folder / "cars.csv"
    file.write_bytes(file.read_bytes().replace(b"J_rgen", b"J" + byte + b"rgen"))
    code, out, err = house.run()
    assert (code, out.endswith("1 refused\n")) == (1, True)
    assert "M101" in err
    assert house.facts()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_byte_order_mark_names_the_encoding_of_a_file(house: House, encoding: str) -> None:
    house.export({}, encoding=encoding)
    code, _, err = house.run()
    assert code == 1
    assert "M007" in err
    assert f"write encoding: {encoding}\n" in err


def test_one_line_in_another_encoding_is_refused_alone(house: House) -> None:
    house.export({"Name": "Jürgen Weiß"})
    with (house.folder / "cars.csv").open("ab") as file:
        row = USUAL | {"Id": "BX-2", "Name": "J\xfcrgen"}
        file.write(",".join(row.get(column, "") for column in COLUMNS).encode("cp1252"))
    code, out, err = house.run()
    assert (code, out) == (1, "2 rows: 3 new events, 0 rows unchanged, 1 refused\n")
    assert "M101" in err


def test_a_mapping_that_does_not_fit_is_told_whole_before_the_first_row(house: House) -> None:
    house.write("Id;Customer;Name\nBX-1;C-1;Maria\n")
    code, _, err = house.run()
    assert code == 1
    assert "is the delimiter ';'?" in err
    assert "M001" in err
    assert not (house.folder / LEDGER).exists() or not house.facts()


def test_what_is_wrong_with_a_mapping_and_what_the_table_lacks_is_told_in_one_run(house: House) -> None:
    house.export({})
    wrong = MAP.replace('"{Name}"', '"{Nmae}"').replace("placed: Ordered", "placd: Ordered")
    (house.folder / "map.yaml").write_text(wrong, encoding="utf-8")

    code, _, err = house.run()

    assert code == 1
    assert "M001 the table has no column called 'Nmae'" in err
    assert "R010 unknown key 'placd'" in err
    assert not (house.folder / LEDGER).exists() or not house.facts()


def test_a_file_that_is_not_there_is_a_mistake_in_the_call(house: House) -> None:
    assert main(["import", "none.csv", "--map", "map.yaml"]) == 2
    house.export({})
    assert main(["import", "cars.csv", "--map", "none.yaml"]) == 2
    assert main(["import", "cars.csv", "--map", "map.yaml", "--afresh"]) == 2


def test_a_program_gets_the_counts_as_one_object(house: House) -> None:
    house.export({})
    _, out, _ = house.run("--format", "jsonl")
    assert json.loads(out) == {
        "rows": 1,
        "new": 3,
        "unchanged": 0,
        "repeated": 0,
        "left_out": 0,
        "refused": 0,
    }


def test_an_encoding_with_two_bytes_a_letter_works(house: House) -> None:
    (house.folder / "map.yaml").write_text(MAP + "encoding: utf-16\n", encoding="utf-8")
    house.export({"Name": "Jürgen Weiß"}, encoding="utf-16")
    assert house.run()[0] == 0
    assert house.customer().name == "Jürgen Weiß"


# ── memory ───────────────────────────────────────────────────────────────────


def peak(folder: Path, rows: int) -> int:
    """Bytes that an import of a table with so many rows holds at most."""
    table = folder / f"{rows}.csv"
    with table.open("w", encoding="utf-8") as file:
        file.write(",".join(COLUMNS) + "\n")
        for number in range(rows):
            row: dict[str, Any] = USUAL | {"Id": f"BX-{number}", "Customer": f"C-{number}"}
            file.write(",".join(row.get(column, "") for column in COLUMNS) + "\n")
    now = datetime(2026, 6, 1, tzinfo=UTC)
    work = Import(table, load("map.yaml", MAP), "UTC", now, timedelta(0))
    tracemalloc.start()
    try:
        for _ in work.run(lambda _orders, _customers: ({}, {}), lambda _: None):
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        assert work.counts["rows"] == rows


def test_ten_times_the_rows_take_no_more_memory(tmp_path: Path) -> None:
    peak(tmp_path, 600)  # fills every cache
    small, large = peak(tmp_path, 550), peak(tmp_path, 5_500)  # beside one batch
    assert large < small * 1.3
