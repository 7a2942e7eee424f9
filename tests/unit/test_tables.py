"""A table is read to the last damaged line: encodings, quotes, dates, mappings that do not fit, reports."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import Problems
from orchestrator.findings import Wrong
from orchestrator.money import read_money
from orchestrator.tables import values
from orchestrator.tables.doubles import Disk, Double
from orchestrator.tables.encodings import likely
from orchestrator.tables.flaws import Flaw
from orchestrator.tables.imports import Import
from orchestrator.tables.mapping import attempt, load
from orchestrator.tables.reading import LONGEST, Lines, Row, Rows
from orchestrator.tables.report import writer
from orchestrator.tables.schema import json_schema

LEAST = 'version: 1\ntable: t\norder: {id: "{Id}", journey: new-car}\n'


def read(
    raw: bytes, encoding: str = "utf-8", *, delimiter: str = ",", header: int = 1
) -> tuple[list[str], list[Row | Flaw]]:
    rows = Rows(Lines(io.BytesIO(raw), encoding), delimiter, header, None)
    return rows.names, list(rows)


def told(rows: list[Row | Flaw]) -> list[tuple[int, Any]]:
    """Each row's line with its cells, or the code of what is wrong with it."""
    return [(row.line, row.cells if isinstance(row, Row) else row.code) for row in rows]


def problems(text: str, *names: str) -> list[str]:
    with pytest.raises(Problems) as refused:
        load("map.yaml", text).bind(names, "UTC")
    return [str(problem) for problem in refused.value.problems]


WHOLE = """\
version: 1
table: cars
zone: Europe/Berlin
customer: {id: "{Customer}", name: "{Nmae}", email: "{Mail}"}
order: {id: "{Id}", journey: new-car, attributes: {model: "{Modell|x}"}}
promises: {arrived: Promised}
only: [{column: State, is_not: [test]}]
cancelled: {column: State, is: [cancelled]}
"""


@pytest.mark.parametrize(
    ("before", "after", "codes"),
    [
        ("table: cars", "tabel: cars", {"R011", "R010"}),
        ("version: 1", "version: 2", {"R009"}),
        (" journey: new-car,", "", {"R011"}),
        ("cancelled: {column: State, is", "cancelled: {column: [State], iz", {"R013", "R010"}),
        ("only: [{", "only: [7, {", {"R013"}),
        ('email: "{Mail}"', "email: {a: b}, tel: x", {"R013", "R010"}),
        ("{arrived: Promised}", "{arrived: {until: Promised, tolld: true}}", {"R011", "R010"}),
        ("zone: Europe/Berlin", "zone:", {"R013"}),
    ],
)
def test_what_is_wrong_with_a_mapping_and_what_its_table_lacks_are_told_together(
    tmp_path: Path, before: str, after: str, codes: set[str]
) -> None:
    table = tmp_path / "cars.csv"
    table.write_text("Id,Customer,Name,Mail,Model,Promised,State\n", encoding="utf-8")
    assert before in WHOLE
    mapping = attempt("map.yaml", WHOLE.replace(before, after))

    found = Import(table, mapping, "UTC", datetime.now(UTC), timedelta(0)).misfits()

    assert {problem.code for problem in found} == codes | {"M001", "M004"}
    assert [problem.message for problem in found if problem.code == "M001"] == [
        "the table has no column called 'Nmae'", "the table has no column called 'Modell'",
    ]  # fmt: skip


def test_where_it_is_wrong_how_a_table_is_read_none_of_its_columns_is_missed(tmp_path: Path) -> None:
    table = tmp_path / "cars.csv"
    table.write_text("Id,Customer\n", encoding="utf-8")
    mapping = attempt("map.yaml", f"{WHOLE}encoding: utf-9\n")

    found = Import(table, mapping, "UTC", datetime.now(UTC), timedelta(0)).misfits()
    assert [problem.code for problem in found] == ["M002"]


# ── lines and quotes ─────────────────────────────────────────────────────────


def test_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    assert read(b"\xef\xbb\xbfId,Day\n1,2\n") == (["Id", "Day"], [Row(2, ["1", "2"])])


def test_a_quoted_value_may_hold_delimiters_quotes_and_line_breaks_and_is_told_by_its_first_line() -> None:
    _, rows = read(b'a,b\n1,"x, ""y""\nz"\n2,w\n')
    assert rows == [Row(2, ["1", 'x, "y"\nz']), Row(4, ["2", "w"])]


def test_a_quote_that_never_closes_costs_its_own_line_and_no_other() -> None:
    _, rows = read(b'a,b\n1,"open\n2,two\n3,three\n')
    assert told(rows) == [(2, "M103"), (3, ["2", "two"]), (4, ["3", "three"])]


def test_a_quote_inside_a_quoted_value_costs_its_own_line() -> None:
    _, rows = read(b'a,b\n1,"3" pipe"\n2,two\n')
    assert told(rows) == [(2, "M103"), (3, ["2", "two"])]


def test_a_ragged_row_is_refused_and_an_empty_line_says_nothing() -> None:
    _, rows = read(b"a,b\n1,2,3\n\n4\n5,6\n")
    assert told(rows) == [(2, "M104"), (4, "M104"), (5, ["5", "6"])]
    assert isinstance(rows[0], Flaw)
    assert rows[0].message == "has 3 values where the header has 2"


def test_a_nul_is_refused_with_its_byte() -> None:
    _, rows = read(b"a,b\n1,x\0\n2,y\n")
    assert told(rows) == [(2, "M102"), (3, ["2", "y"])]
    assert isinstance(rows[0], Flaw)
    assert rows[0].message == "holds a NUL at byte 8 of the file"


def test_a_line_of_more_than_a_megabyte_is_refused_and_the_next_one_read() -> None:
    _, rows = read(b"a,b\n1," + b"x" * 3 * LONGEST + b"\n2,y\n")
    assert told(rows) == [(2, "M105"), (3, ["2", "y"])]


def test_a_byte_that_is_no_text_is_told_with_line_and_byte() -> None:
    _, rows = read("a,b\n1,ä\n".encode() + b"2,\xe4\n")
    flaw = rows[1]
    assert isinstance(flaw, Flaw)
    assert (flaw.line, flaw.message) == (3, "is no utf-8: 0xE4 at byte 12 of the file")


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "cp850", "utf-16", "utf-16-le", "iso-8859-15"])
def test_the_same_table_reads_the_same_in_every_encoding(encoding: str) -> None:
    assert read("Id,Ort\n1,Köln\n2,Sète\n".encode(encoding), encoding) == (
        ["Id", "Ort"],
        [Row(2, ["1", "Köln"]), Row(3, ["2", "Sète"])],
    )


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "cp850", "mac-roman"])
def test_the_likely_encoding_of_names_and_streets_is_found(encoding: str) -> None:
    assert (
        likely("Müllerstraße 3, Übersee; François Gonçalves, Ångström, Señor Núñez".encode(encoding))
        == encoding
    )


def test_the_header_may_stand_further_down() -> None:
    assert read(b"Orders of March\n\nId,Day\n1,2\n", header=3) == (["Id", "Day"], [Row(4, ["1", "2"])])


@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r")), min_size=2, max_size=2)
    )
)
def test_whatever_csv_writes_is_read_back(table: list[list[str]]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows([["a", "b"], *table])
    _, rows = read(file.getvalue().encode())
    assert [row.cells for row in rows if isinstance(row, Row)] == table


@given(st.binary())
def test_no_bytes_at_all_make_the_reader_fail(raw: bytes) -> None:
    read(b"a,b\n" + raw)


# ── keys that stand twice ────────────────────────────────────────────────────


def test_lines_with_the_same_key_are_found_and_compared() -> None:
    with Disk() as disk:
        for line, (key, cell) in enumerate([("a", "1"), ("b", "1"), ("a", "1"), ("c", "1"), ("c", "2")], 2):
            disk.add(key, [key, cell], line)
        found = list(disk.doubles())
    assert found == [
        Double(2, 4, differ=False, first=True),
        Double(4, 2, differ=False, first=False),
        Double(5, 6, differ=True, first=True),
        Double(6, 5, differ=True, first=False),
    ]


# ── values ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "order", "expected"),
    [
        ("2016-07-04", "ymd", date(2016, 7, 4)),
        ("2016-07-04", "dmy", date(2016, 7, 4)),
        ("20160704", "ymd", date(2016, 7, 4)),
        ("4.7.2016", "dmy", date(2016, 7, 4)),
        ("04/07/2016", "dmy", date(2016, 7, 4)),
        ("07/04/2016", "mdy", date(2016, 7, 4)),
        ("04.07.2016 17:30", "dmy", datetime(2016, 7, 4, 17, 30)),  # noqa: DTZ001
        ("2016-07-04T17:30:15+02:00", "ymd", datetime(2016, 7, 4, 15, 30, 15, tzinfo=UTC)),
    ],
)
def test_a_date_is_read_in_the_order_the_mapping_names(text: str, order: str, expected: date) -> None:
    assert values.day_or_moment(text, order, ()) == expected


@pytest.mark.parametrize(
    ("text", "order", "code", "hint"),
    [
        ("soon", "ymd", "M108", "`empty:`"),
        ("42555", "ymd", "M108", "spreadsheet"),
        ("04.07.16", "dmy", "M108", "four digits"),
        ("04.07.2016", "ymd", "M108", "dmy or mdy"),
        ("2016/07/04", "dmy", "M108", "ymd?"),
        ("30.02.2016", "dmy", "M109", ""),
        ("07/13/2016", "dmy", "M109", "exchanged"),
        ("0000-00-00", "ymd", "M109", "`empty:`"),
        ("0216-07-04", "ymd", "M109", ""),
        ("2016-07-04 25:00", "ymd", "M109", ""),
    ],
)
def test_what_is_no_date_is_refused_with_a_way_out(text: str, order: str, code: str, hint: str) -> None:
    with pytest.raises(Wrong) as wrong:
        values.day_or_moment(text, order, ())
    assert wrong.value.code == code
    assert hint in wrong.value.hint


def test_two_digits_of_a_year_are_read_where_a_format_says_how() -> None:
    assert values.day_or_moment("04.07.16", "dmy", ("%d.%m.%y",)) == date(2016, 7, 4)


@pytest.mark.parametrize(
    ("text", "decimal", "expected"),
    [("1.234,5", ",", 1234.5), ("1,234.5", ".", 1234.5), ("-3", ".", -3), ("1'234", ".", 1234)],
)
def test_a_number_is_read_with_the_mark_the_mapping_names(text: str, decimal: str, expected: float) -> None:
    assert values.number(text, decimal) == expected


def test_a_number_with_the_other_mark_is_refused_and_not_guessed() -> None:
    with pytest.raises(Wrong):
        values.number("1,5", ".")


@pytest.mark.parametrize(
    ("text", "decimal", "amount", "currency"),
    [
        ("1.234,50 EUR", ",", "1234.50", "EUR"),
        ("€1,234.50", ".", "1234.50", "EUR"),
        ("1 234,50 €", ",", "1234.50", "EUR"),
        ("CHF 1'234.05", ".", "1234.05", "CHF"),
        ("-0,10 EUR", ",", "-0.10", "EUR"),
        ("+7 GBP", ".", "7", "GBP"),
        ("99999999999999.99 EUR", ".", "99999999999999.99", "EUR"),
    ],
)
def test_a_sum_of_money_is_read_exactly_and_as_templates_write_it(
    text: str, decimal: str, amount: str, currency: str
) -> None:
    assert values.money(text, decimal) == {"amount": amount, "currency": currency}
    assert read_money(values.money(text, decimal)) == (Decimal(amount), currency)


@pytest.mark.parametrize(
    "text", ["12.50", "EUR 12.50 EUR", "$12.50", "12,5.0 EUR", "free", "EUR", "12.50 Euro"]
)
def test_a_sum_without_one_currency_is_refused_with_a_way_out(text: str) -> None:
    with pytest.raises(Wrong) as wrong:
        values.money(text, ".")
    assert wrong.value.code == "M110"
    assert wrong.value.hint


# ── the mapping ──────────────────────────────────────────────────────────────


def test_all_that_does_not_fit_the_table_is_told_at_once_where_it_stands() -> None:
    text = (
        LEAST.replace("{Id}", "{Ids}") + "promises: {arrived: Dya}\n"
        'zone: "{Land|zones}"\nwords: {zone: {DE: UTC}}\n'
    )
    assert sorted(problems(text, "Id", "Day", "Land")) == [
        "map.yaml:3:14: M001 the table has no column called 'Ids'",
        "map.yaml:4:21: M001 the table has no column called 'Dya'",
        "map.yaml:5:8: M004 there are no words called 'zones'",
    ]


def test_an_unknown_key_is_answered_with_the_one_that_was_meant() -> None:
    with pytest.raises(Problems) as refused:
        load("map.yaml", LEAST + "promises: {arrived: {column: Day, tolld: true}}\nencodng: cp1252\n")
    assert {problem.hint for problem in refused.value.problems} == {
        "did you mean 'told'?",
        "did you mean 'encoding'?",
    }


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("encoding: klingon", "M002"),
        ("encoding: base64", "M002"),
        ("delimiter: ';;'", "M002"),
        ("date_order: dym", "R019"),
        ("zone: Europe/Berlni", "M005"),
        ("only: [{column: Id}]", "R011"),
        ("promises: {arrived: '{Day'}", "M003"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_where_it_stands(line: str, code: str) -> None:
    found = problems(LEAST + line + "\n", "Id", "Day")
    assert len(found) == 1
    assert found[0].startswith("map.yaml:4:")
    assert f" {code} " in found[0]


def test_an_id_that_is_the_same_for_every_row_is_refused() -> None:
    assert problems(LEAST.replace("{Id}", "Id"), "Id") == [
        "map.yaml:3:13: M003 every row would have the same id"
    ]


def test_a_column_that_the_table_has_twice_cannot_be_meant() -> None:
    assert problems(LEAST, "Id", "Id") == ["map.yaml:3:14: M001 the table has two columns called 'Id'"]


def test_a_mapping_may_not_be_clever() -> None:
    with pytest.raises(Problems) as refused:
        load("map.yaml", LEAST + "words: &a {zone: {DE: UTC}}\nzone: *a\n")
    assert {problem.code for problem in refused.value.problems} >= {"R005"}


def test_editors_get_a_schema_of_the_mapping() -> None:
    schema = json_schema()
    assert {"table", "order", "promises"} <= schema["properties"].keys()
    assert json.loads(json.dumps(schema))["additionalProperties"] is False


# ── the report ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize("value", ['=HYPERLINK("http://x.example")', "+1", "-1", "@sum", "\tx"])
def test_no_value_in_the_report_is_a_formula_to_a_spreadsheet(value: str) -> None:
    file = io.StringIO(newline="")
    writer(file)(Flaw(7, value, value, "M108", "is no date"))
    _, line = csv.reader(io.StringIO(file.getvalue(), newline=""))
    assert line[:5] == ["7", f"'{value}", f"'{value}", "yes", "M108"]
