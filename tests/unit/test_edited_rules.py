"""An edit in the console and a file on the disk: neither is ever lost, whatever order they come in."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.rules.edited import (
    Edit,
    by_name,
    digest,
    edited,
    name_of,
    overlaid,
    path_of,
    read,
    written,
)

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
FILES = {"rules/car.yaml": "one", "rules/parcel.yaml": "two"}


def edit(
    text: str | None = "mine", name: str = "car.yaml", files: dict[str, str] = FILES
) -> tuple[Edit, ...]:
    return edited(by_name(files, "rules"), (), {name: text}, "Nora Brandt", NOW)


def test_an_edit_counts_over_the_file_it_was_made_from_and_leaves_the_others() -> None:
    over = overlaid(FILES, edit(), "rules")

    assert over.sources == {"rules/car.yaml": "mine", "rules/parcel.yaml": "two"}
    assert not over.clashes


def test_another_file_may_change_meanwhile() -> None:
    over = overlaid(FILES | {"rules/parcel.yaml": "newer"}, edit(), "rules")

    assert over.sources == {"rules/car.yaml": "mine", "rules/parcel.yaml": "newer"}
    assert not over.clashes


def test_a_file_that_changed_as_well_is_a_clash_and_the_edit_stays() -> None:
    over = overlaid(FILES | {"rules/car.yaml": "theirs"}, edit(), "rules")

    assert [clash.name for clash in over.clashes] == ["car.yaml"]
    assert over.edits == edit()


def test_a_file_that_has_the_edit_may_go_on_from_it() -> None:
    (seen,) = overlaid(FILES | {"rules/car.yaml": "mine"}, edit(), "rules").edits
    assert seen.seen

    over = overlaid(FILES | {"rules/car.yaml": "mine and more"}, (seen,), "rules")
    assert over.sources["rules/car.yaml"] == "mine and more"
    assert over.edits == ()


def test_a_copy_from_before_the_edit_does_not_bring_the_old_rules_back() -> None:
    (seen,) = overlaid(FILES | {"rules/car.yaml": "mine"}, edit(), "rules").edits

    assert overlaid(FILES, (seen,), "rules").sources["rules/car.yaml"] == "mine"


def test_a_file_can_be_made_and_taken_away() -> None:
    new = overlaid(FILES, edit(name="new.yaml"), "rules")
    gone = overlaid(FILES, edit(None), "rules")

    assert new.sources["rules/new.yaml"] == "mine"
    assert "rules/car.yaml" not in gone.sources


def test_a_file_taken_away_on_the_disk_that_was_edited_in_the_console_is_a_clash() -> None:
    left = {"rules/parcel.yaml": "two"}

    assert overlaid(left, edit(), "rules").clashes


def test_an_edit_of_an_edit_still_knows_the_file_it_was_made_from() -> None:
    first = edit()
    again = edited(
        {"car.yaml": "mine", "parcel.yaml": "two"}, first, {"car.yaml": "better"}, "Paul Lindner", NOW
    )

    assert overlaid(FILES, again, "rules").sources["rules/car.yaml"] == "better"
    assert [one.by for one in again] == ["Paul Lindner"]


def test_after_the_file_had_it_the_next_edit_counts_over_either() -> None:
    seen = overlaid(FILES | {"rules/car.yaml": "mine"}, edit(), "rules").edits
    again = edited({"car.yaml": "mine"}, seen, {"car.yaml": "better"}, "Nora Brandt", NOW)

    for now in ("one", "mine"):
        assert overlaid(FILES | {"rules/car.yaml": now}, again, "rules").sources["rules/car.yaml"] == "better"
    assert overlaid(FILES | {"rules/car.yaml": "else"}, again, "rules").clashes


def test_what_is_put_back_to_the_file_is_no_edit() -> None:
    assert edited({"car.yaml": "mine"}, edit(), {"car.yaml": "one"}, "Nora Brandt", NOW) == ()


def test_edits_are_kept_as_text() -> None:
    assert read(written(edit(None) + edit("ü", "new.yaml"))) == edit(None) + edit("ü", "new.yaml")
    assert read("") == ()


def test_files_are_named_below_their_folder_and_found_there_again() -> None:
    assert name_of("/srv/rules/de/car.yaml", "/srv/rules") == "de/car.yaml"
    assert path_of("de/car.yaml", "/srv/rules/") == "/srv/rules/de/car.yaml"
    assert path_of(name_of("/elsewhere/car.yaml", "/srv/rules"), "/srv/rules") == "/elsewhere/car.yaml"


texts = st.one_of(st.none(), st.sampled_from(["one", "mine", "theirs", "better"]))


@given(st.lists(st.tuples(st.sampled_from(["console", "disk", "look"]), texts), max_size=8))
def test_whatever_happens_no_edit_is_gone_unless_the_file_had_it(steps: list[tuple[str, str | None]]) -> None:
    """What counts is the newest edit, until the file said just that, or a clash is reported."""
    disk: dict[str, str] = {"rules/car.yaml": "one"}
    edits: tuple[Edit, ...] = ()
    newest: str | None = "one"
    had = True  # the file said what counts since it counts
    for who, text in steps:
        if who == "console":
            over = overlaid(disk, edits, "rules")
            if over.clashes:
                continue
            edits = edited(by_name(over.sources, "rules"), over.edits, {"car.yaml": text}, "Nora", NOW)
            newest, had = text, disk.get("rules/car.yaml") == text
        elif who == "disk" and text is None:
            disk.pop("rules/car.yaml", None)
        elif who == "disk" and text is not None:
            disk["rules/car.yaml"] = text
        over = overlaid(disk, edits, "rules")
        edits = over.edits
        counts = over.sources.get("rules/car.yaml")
        had = had or disk.get("rules/car.yaml") == newest
        assert counts == newest or had
        if over.clashes:
            assert counts == newest
        elif had and not edits:
            newest = counts
    assert all(digest(edit.text) not in edit.bases or len(edit.bases) > 1 for edit in edits)
