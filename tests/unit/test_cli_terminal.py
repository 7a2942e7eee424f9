"""What a person sees on a terminal: tables that fit it, the company's own time, and nothing that is noise."""

import io
import json
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.cli import main
from tests.installation import MOMENT, NORA, Home, begun, event, home, in_force

__all__ = ["begun", "home", "in_force"]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def hundred_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Terminals are a hundred columns wide, and have no colours."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")


def on_terminal(*arguments: str) -> list[str]:
    """The lines that a command shows on a terminal."""
    with redirect_stdout(Terminal()) as screen:
        assert main(arguments) == 0
    return screen.getvalue().splitlines()


@pytest.mark.parametrize("columns", [80, 100])
def test_a_simulation_fits_by_time_in_local_words_with_its_reasons_under_its_rows(
    home: Home, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    head, *rows = on_terminal("simulate", "--events", home.story(), "--until", "2026-03-14")
    assert head.split() == ["time", "order", "to", "what", "status"]
    assert max(map(len, rows)) <= columns
    assert not any("…" in row for row in rows)
    said = next(row for row in rows if row.startswith("Thu 12 Mar 17:30  A-1    customer email"))
    assert said.split()[-2:] == ["not-arrived-yet", "accepted"]
    assert rows[rows.index(said) + 1].startswith("    arrived was promised for 2026-03-12 and had not")
    days = [int(row.split()[1]) for row in rows if " Mar " in row[:16]]
    assert days == sorted(days)


def test_a_wide_terminal_has_the_reasons_beside_what_they_explain(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    head, *rows = on_terminal("simulate", "--events", home.story(), "--until", "2026-03-14")
    assert head.split() == ["time", "order", "to", "what", "status", "why"]
    assert max(map(len, rows)) <= 120
    assert any("  accepted   arrived was promised for 2026-03-12 and" in row for row in rows)


def test_a_file_of_a_simulation_is_by_time_and_says_to_whom(home: Home) -> None:
    head, *rows, _ = home.run("simulate", "--events", home.story())[1].splitlines()
    assert head.split()[:5] == ["time", "order", "customer", "to", "rule"]
    assert [row[:16] for row in rows] == sorted(row[:16] for row in rows)
    assert {row.split()[5] for row in rows} >= {"customer", "owner", "manager"}


def test_a_simulation_ends_with_the_texts_that_could_not_be_written(home: Home) -> None:
    for path in (home.folder / "templates/new-car/arrived").glob("*.txt.*"):
        path.write_text(path.read_text(encoding="utf-8") + "{{ customer.name.nothing }}\n", encoding="utf-8")
    story = home.story()

    for more in ((), ("--diff", "rules")):
        code, _, err = home.run("simulate", "--events", story, *more)
        assert code == 0
        assert (
            err.count("1 message could not be written: new-car/arrived (new-car/arrived/email.txt.de.j2:")
            == 1
        )


def test_what_was_replaced_in_a_simulation_is_counted_and_shown_with_all(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    story = home.story()
    folded = on_terminal("simulate", "--events", story)
    whole = on_terminal("simulate", "--events", story, "--all")
    (count,) = [line for line in folded if line.endswith("--all shows them")]
    number = int(count.split()[0])
    assert count == f"{number} more were replaced before they were due; --all shows them"
    assert len(whole) == len(folded) - 1 + number
    assert any(" replaced: " in line for line in whole)
    assert not any(" replaced: " in line for line in folded)


def test_what_a_program_reads_of_a_simulation_is_whole(home: Home) -> None:
    story = home.story()
    rows = home.run("simulate", "--events", story)[1].splitlines()
    lines = [
        json.loads(line)
        for line in home.run("simulate", "--events", story, "--format", "jsonl")[1].splitlines()
    ]
    assert len(rows) == len(lines) + 2, "a head and a sentence"
    assert "had not happened by Thu 2026-03-12 17:30" in "\n".join(rows)
    assert list(lines[0]) == [
        "rule", "order", "customer", "occasion", "role", "kind", "template", "channel", "due_at", "at",
        "status", "reason", "reason_code",
    ]  # fmt: skip
    assert {line["due_at"][-6:] for line in lines} == {"+00:00"}


def test_a_story_on_a_terminal_has_its_reasons_under_what_they_explain(begun: Home) -> None:
    # what was heard at once has one reason, under the first of its lines
    begun.run("ingest", begun.story())
    lines = on_terminal("explain", "A-1")
    said = next(number for number, line in enumerate(lines) if "  heard  " in line)
    assert lines[said + 1].startswith(" " * 32)
    assert [line for line in lines if len(line) > 100] == []


def test_a_story_leaves_out_what_was_replaced_and_says_how_to_see_it(home: Home) -> None:
    story = home.story()
    moved = event("promise.made", "A-1", MOMENT + timedelta(days=1), milestone="arrived", date="2026-03-20")
    home.write(story, (home.folder / story).read_text() + "\n" + moved.replace("made-A-1", "made-again"))
    home.run("ingest", story)
    more = home.run("explain", "A-1", "--all")[1]
    assert " replaced" not in home.run("explain", "A-1")[1].partition("Times are")[0]
    assert home.run("explain", "A-1")[1].count("\n") <= more.count("\n")


def test_an_order_that_nobody_announced_has_a_title_and_says_what_is_missing(home: Home) -> None:
    lone = event("milestone.reached", "A-9", MOMENT, milestone="arrived")
    home.run("ingest", home.write("lone.jsonl", lone))
    out = home.run("explain", "A-9")[1]
    assert out.splitlines()[:2] == [
        "A-9: not announced",
        "  problem: order A-9 is not known yet: no order.upserted was heard",
    ]


def test_a_collected_car_is_a_complete_order(home: Home) -> None:
    story = home.story()
    done = event("milestone.reached", "A-1", MOMENT + timedelta(days=13), milestone="collected")
    home.write(story, (home.folder / story).read_text() + "\n" + done.replace("reached-A-1", "reached-last"))
    home.run("ingest", story)
    assert home.run("explain", "A-1")[1].splitlines()[0].endswith(", Maria Keller, complete")


def waiting(home: Home) -> None:
    """An order whose car is promised in eleven days from now."""
    story = home.story(datetime.now(UTC) - timedelta(hours=1))
    home.write(story, "\n".join((home.folder / story).read_text().splitlines()[:3]))
    home.run("ingest", story)


def test_a_plan_speaks_of_due_times_by_the_companys_clocks(home: Home) -> None:
    waiting(home)
    home.replace("rules/new-car.yaml", 'closes: "17:30"}   # nothing', 'closes: "16:45"}   # nothing')
    home.replace("rules/new-car.yaml", "silent: 14d", "silent: 15d")
    home.replace("rules/new-car.yaml", "timing: {within: 3h}", "timing: {within: 4h}")
    home.replace("rules/new-car.yaml", 'before: 0d, at: "16:00"', 'before: 0d, at: "15:00"')
    row = next(line for line in home.run("plan")[1].splitlines() if line.startswith("has-it-arrived"))
    assert " 15:00, Europe/Berlin" in row


def test_a_preview_of_an_order_invents_nothing_and_names_what_is_missing(home: Home) -> None:
    waiting(home)
    code, out, err = home.run("preview", "new-car/arrival-moved", "--order", "A-1", "--channel", "sms")
    assert code == 0
    assert "March" not in out, "the sample's day"
    assert "A-1 has no value for: " in err
    named = err.partition("A-1 has no value for: ")[2].splitlines()[0].split(", ")
    assert "reason" in named
    assert "customer.name" not in named


def test_a_task_that_may_go_on_to_the_manager_is_told_as_a_condition(home: Home) -> None:
    waiting(home)
    out = home.run("explain", "A-1")[1]
    assert "if the owner does not acknowledge 'record-arrival-or-new-date' by " in out
    assert "; unless the owner acknowledges it, arrived happens before" in out
    assert "had not acknowledged" not in out
    assert NORA["name"] not in out.partition("Next")[2], "nobody has done anything yet"


def test_what_other_rules_would_change_stands_under_rule_order_and_customer_with_both_sides(
    home: Home,
) -> None:
    text = (home.folder / "rules/new-car.yaml").read_text()
    home.write(
        "rules2/new-car.yaml", text.replace('closes: "17:30"}   # nothing', 'closes: "18:30"}   # nothing')
    )
    home.write("rules2/parcel.yaml", (home.folder / "rules/parcel.yaml").read_text())

    lines = on_terminal("simulate", "--events", home.story(), "--until", "2026-03-12", "--diff", "rules2")

    late = "      arrived was promised for 2026-03-12 and had not happened by Thu 2026-03-12 "
    told = [line for line in lines if not line.startswith("      ") or line.startswith(late)]
    assert [line.partition("; ")[0] for line in told[:6]] == [
        "not-arrived",
        "  A-1  C-1  to the customer: time",
        "    - 2026-03-12 17:30 CET  email  not-arrived-yet",
        f"{late}17:30",
        "    + 2026-03-12 18:30 CET  email  not-arrived-yet",
        f"{late}18:30",
    ]
    assert max(map(len, lines[:-1])) <= 100
