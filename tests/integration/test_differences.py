"""What other rules would have changed: whom they tell more, less, at another time, otherwise (`--diff`)."""

import json
from collections import Counter
from pathlib import Path

import pytest

from channels.memory import MemoryChannel
from orchestrator import rules
from orchestrator.cli import house
from orchestrator.config.settings import Settings
from orchestrator.simulation import history, parts
from orchestrator.simulation.differences import Difference, Run, differences
from orchestrator.simulation.simulate import Rehearsal, Simulation
from tests.builders import event
from tests.installation import Home, home
from tests.integration.test_parts import RULES, UNTIL, visits, written
from tests.stories.telling import HERE

__all__ = ["home"]

SAME = "nothing differs; "


def compared(tmp_path: Path, path: Path, other: str, hands: int = 1, first: str = RULES) -> list[Difference]:
    """What *other* rules would change, with so many processes."""
    past = history.read(path)
    settings = Settings()
    renderer = house.written(settings, HERE / "rules", HERE / "templates").renderer
    texts = {"visit/hello", "visit/sorry", "visit/welcome", "visit/what"}
    composer = Rehearsal(house.composer(settings, renderer), texts)
    runs = []
    for number, text in enumerate((first, other)):
        book, problems = rules.load({"visit.yaml": text})
        assert not problems, [str(problem) for problem in problems]
        folder = tmp_path / f"{hands}-{number}"
        folder.mkdir()

        def make(file: Path, book: rules.RuleBook = book) -> Simulation:
            sinks = {name: MemoryChannel(name, keep=False) for name in ("email", "sms", "push")}
            return Simulation(book, composer, sinks, start=past.first, file=file)

        runs.append(Run(book, parts.simulate(past, UNTIL, hands, make, folder, lambda _: None)))
    return [one for one in differences(*runs) if one is not None]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Six visits; the first and the fourth never come."""
    return written(tmp_path, visits(customers=3, orders=6))


def test_the_same_rules_change_nothing(tmp_path: Path, path: Path) -> None:
    assert compared(tmp_path, path, RULES) == []


QUIET = """\
  - {id: quiet, on: {silent: %s}, say: hello, timing: {at: now, within: 1d}}
"""


def test_what_is_said_on_another_occasion_now_is_said_at_another_time(tmp_path: Path, path: Path) -> None:
    first, other = (RULES + QUIET % long for long in ("20h", "21h"))
    found = [one for one in compared(tmp_path, path, other, first=first) if one.rule == "quiet"]

    assert found
    per_order = Counter((one.order, one.changes) for one in found)
    assert {changes for _, changes in per_order if changes != ("less",)} == {("time",)}
    assert all(one.after is None or one.after.at > one.before.at for one in found if one.before is not None)


def test_a_later_deadline_is_another_time_with_both_times_and_reasons(tmp_path: Path, path: Path) -> None:
    found = compared(tmp_path, path, RULES.replace("by: 15m", "by: 30m"))

    assert {(one.rule, one.order, one.changes) for one in found} == {
        ("late", "o0", ("time",)), ("late", "o3", ("time",)),
    }  # fmt: skip
    one = found[0]
    assert one.before is not None
    assert one.after is not None
    assert [f"{side.at:%H:%M}" for side in (one.before, one.after)] == ["09:15", "09:30"]
    assert one.why_before.endswith("09:15")
    assert one.why_after.endswith("09:30")


def test_a_rule_that_is_gone_tells_less_and_a_new_one_more(tmp_path: Path, path: Path) -> None:
    other = RULES.replace(
        "id: come, on: {reached: come}, say: hello", "id: welcome, on: {reached: come}, say: welcome"
    )

    found = compared(tmp_path, path, other)

    assert Counter((one.rule, one.changes) for one in found) == {
        ("come", ("less",)): 4,
        ("welcome", ("more",)): 4,
    }
    less = next(one for one in found if one.rule == "come")
    assert (less.after, less.why_after) == (None, "there is no such rule")
    more = next(one for one in found if one.rule == "welcome")
    assert (more.before, more.why_before) == (None, "there is no such rule")
    assert more.why_after.startswith("come happened on")


def test_a_narrower_condition_tells_less_and_says_why(tmp_path: Path, path: Path) -> None:
    other = RULES.replace("say: hello,", 'say: hello, when: customer.country == "DE",')

    found = compared(tmp_path, path, other)

    assert {one.changes for one in found} == {("less",)}
    assert {one.why_after for one in found} == {
        'nobody can say whether customer.country == "DE" holds: customer.country has no value'
    }


def test_a_reason_is_what_was_known_then_and_not_what_came_later(tmp_path: Path) -> None:
    documents = [
        *visits(customers=1, orders=1),
        event("milestone.reached", "o0", "2026-03-02 10:05", heard="2026-03-02 18:00", milestone="come"),
    ]
    narrower = RULES.replace("say: sorry,", "say: sorry, when: order.attributes.vip,").replace(
        "milestones:", "attributes: {vip: flag?}\nmilestones:"
    )

    (one,) = compared(tmp_path, written(tmp_path, documents), narrower)

    assert one.rule == "late"
    assert one.why_after.startswith("nobody can say whether order.attributes.vip holds")


def test_a_rule_on_trial_tells_less(tmp_path: Path, path: Path) -> None:
    found = compared(tmp_path, path, RULES.replace("say: sorry,", "say: sorry, mode: shadow,"))

    assert {(one.changes, one.why_after) for one in found} == {
        (("less",), "the rule is on trial (shadow) and sends nothing")
    }


def test_another_channel_and_another_text_are_told_together(tmp_path: Path) -> None:
    documents = visits(customers=1, orders=1)
    documents[0] = event(
        "customer.upserted", "c0", "2026-03-01 08:00", email="c0@example.com", phone="+493023125101"
    )
    path = written(tmp_path, documents)
    other = RULES.replace("say: sorry, channels: [email]", "say: what, channels: [sms]")

    (one,) = compared(tmp_path, path, other)

    assert one.changes == ("channel", "text")
    assert one.before is not None
    assert one.after is not None
    assert (one.before.channel, one.before.template) == ("email", "visit/sorry")
    assert (one.after.channel, one.after.template) == ("sms", "visit/what")


def test_three_processes_find_what_one_finds(tmp_path: Path) -> None:
    path = written(tmp_path, visits(customers=7, orders=60))
    other = RULES.replace("by: 15m", "by: 30m")

    alone, together = compared(tmp_path, path, other, 1), compared(tmp_path, path, other, 3)

    assert len(alone) == 50
    assert sorted(together, key=lambda one: one.order) == sorted(alone, key=lambda one: one.order)


# ── the command ──────────────────────────────────────────────────────────────


@pytest.fixture
def other(home: Home) -> str:
    """Rules of the same house that speak an hour later in the evening and by SMS first."""
    text = (home.folder / "rules/new-car.yaml").read_text()
    changed = text.replace('closes: "17:30"}   # nothing', 'closes: "18:30"}   # nothing', 1)
    assert changed != text
    home.write("rules2/new-car.yaml", changed)
    home.write("rules2/parcel.yaml", (home.folder / "rules/parcel.yaml").read_text())
    return "rules2"


def test_the_table_groups_by_rule_order_and_customer_with_both_times(home: Home, other: str) -> None:
    code, out, err = home.run("simulate", "--events", home.story(), "--diff", other, "--until", "2026-03-12")

    assert code == 0
    assert "every message counts as opened" in err
    head, *rows, sentence = out.splitlines()
    assert head.split()[:7] == ["rule", "order", "customer", "change", "to", "before", "after"]
    assert any("2026-03-12 17:30 CET" in row and "2026-03-12 18:30 CET" in row for row in rows), out
    groups = [tuple(row.split()[:3]) for row in rows]
    assert groups == sorted(groups)
    assert sentence.startswith(f"{len(rows)} notifications for 1 customer differ: "), sentence
    assert "at another time" in sentence


def test_programs_get_both_sides_whole(home: Home, other: str) -> None:
    arguments = ("simulate", "--events", home.story(), "--diff", other, "--until", "2026-03-12", "--format")

    rows = json.loads(home.run(*arguments, "json")[1])
    _, out, err = home.run(*arguments, "jsonl")

    assert rows == [json.loads(line) for line in out.splitlines()]
    late = next(row for row in rows if row["role"] == "customer")
    assert late["changes"] == ["time"]
    assert late["before"]["at"] == "2026-03-12T16:30:00+00:00"
    assert late["after"]["at"] == "2026-03-12T17:30:00+00:00"
    assert "differ: " in err


def test_the_same_rules_end_with_the_sentence_that_nothing_differs(home: Home) -> None:
    code, out, _ = home.run("simulate", "--events", home.story(), "--diff", "rules")

    assert code == 0
    assert out.startswith(SAME)


@pytest.mark.parametrize("broken", ["rules", "rules2"])
def test_what_is_wrong_with_either_set_is_told_at_its_place(home: Home, other: str, broken: str) -> None:
    home.replace(f"{broken}/new-car.yaml", "missed: arrived", "missed: arived")

    code, out, err = home.run("simulate", "--events", home.story(), "--diff", other)

    assert (code, out) == (1, "")
    assert f"{broken}/new-car.yaml:" in err
    assert "did you mean 'arrived'?" in err


def test_without_such_a_folder_it_is_a_matter_of_usage(home: Home) -> None:
    assert home.run("simulate", "--events", home.story(), "--diff", "nowhere")[0] == 2
