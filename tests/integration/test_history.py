"""A file of events as a simulation reads it: whatever order its lines are in, and however it was saved."""

import json
from pathlib import Path

import pytest

from orchestrator.errors import NotFound, Problems
from orchestrator.intake import BOM
from orchestrator.intake.refusals import MOST
from orchestrator.simulation import history
from tests.builders import event

ORDERED = [
    event("order.upserted", "o1", "2026-03-01 09:00", event_id="a", customer="c1", journey="visit"),
    event("promise.made", "o1", "2026-03-02 09:00", event_id="b", milestone="come", date="2026-03-09"),
    event("milestone.reached", "o1", "2026-03-03 09:00", event_id="c", milestone="come"),
]


def saved(folder: Path, documents: list[dict[str, object]], begin: bytes = b"", end: bytes = b"\n") -> Path:
    path = folder / "events.jsonl"
    lines = [json.dumps(document).encode() for document in documents]
    path.write_bytes(begin + end.join(lines) + (end if begin else b""))
    return path


@pytest.mark.parametrize("begin", [b"", BOM, BOM + b"\n", b"\n", BOM + b"\r\n\r\n"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n"])
@pytest.mark.parametrize("places", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (0, 2, 1)])
def test_events_are_heard_in_their_order_however_the_file_was_saved(
    tmp_path: Path, begin: bytes, end: bytes, places: tuple[int, ...]
) -> None:
    past = history.read(saved(tmp_path, [ORDERED[place] for place in places], begin, end))

    assert [item.fact.id for item in past] == ["a", "b", "c"]
    assert [item.fact.id for item in past.only(lambda _: True)] == ["a", "b", "c"]
    assert [item.fact.id for item in past.only(lambda order: order != "o1")] == []


@pytest.mark.parametrize("places", [(0, 1, 2), (2, 1, 0)])
def test_what_is_wrong_is_told_at_its_line_whatever_the_file_begins_with(
    tmp_path: Path, places: tuple[int, ...]
) -> None:
    wrong = {**ORDERED[2], "id": "d", "time": "2026-03-02T12:00:00+01:00", "subject": ""}
    past = history.read(saved(tmp_path, [*(ORDERED[place] for place in places), wrong], BOM))

    with pytest.raises(Problems) as caught:
        list(past)

    assert [(problem.line, problem.code) for problem in caught.value.problems] == [(4, "E011")]


def test_an_event_that_comes_again_with_another_body_is_found_in_a_file_with_a_mark(tmp_path: Path) -> None:
    again = {**ORDERED[0], "time": "2026-03-04T09:00:00+01:00"}
    path = saved(tmp_path, [ORDERED[0], ORDERED[1], again], BOM)

    (problem,) = history.conflicts(path, {"a"})

    assert (problem.line, problem.hint) == (3, "it came on line 1")


def test_a_file_with_nothing_but_its_mark_holds_no_event(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(BOM + b"\n")
    with pytest.raises(NotFound):
        history.read(path)


def test_of_very_many_conflicts_those_are_told_that_anybody_would_read(tmp_path: Path) -> None:
    many = [
        {**ORDERED[0], "time": f"2026-03-04T09:{number // 60:02}:{number % 60:02}+01:00"}
        for number in range(MOST + 40)
    ]
    path = saved(tmp_path, [ORDERED[0], *many])

    problems = history.conflicts(path, {"a"})

    assert len(problems) == MOST
    assert problems[-1].hint == f"{MOST + 40:,} events are refused; these are the first"
