"""What somebody may have meant: near words are named, slips of the finger told from words of one's own."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import findings
from orchestrator.findings import did_you_mean, nearest, one_edit_apart, slip, suggestion


def test_the_nearest_word_is_named_in_its_own_case() -> None:
    assert nearest("emial", ["sms", "email"]) == "email"
    assert nearest("EMAIL", ["sms", "Email"]) == "Email"
    assert did_you_mean("emial", ["sms", "email"]) == "did you mean 'email'?"
    assert did_you_mean("zeppelin", ["sms", "email"]) == ""


FIELDS = (
    "name",
    "given_name",
    "email",
    "time_zone",
    "country",
    "phone",
    "tags",
    "note",
    "told",
    "reason",
    "at",
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("emial", "email"),
        ("emails", "email"),
        ("mail", "email"),
        ("givenName", "given_name"),
        ("timezone", "time_zone"),
        ("time-zone", "time_zone"),
        ("contry", "country"),
        ("coumtry", "country"),
        ("tag", "tags"),
        ("nmae", "name"),
        ("Told", "told"),
    ],
)
def test_a_slip_of_the_finger_is_known_by_the_word_that_was_meant(written: str, meant: str) -> None:
    assert slip(written, FIELDS) == meant


@pytest.mark.parametrize(
    "written", ["phone2", "node", "season", "old", "it", "game", "colour", "email", "telephone", "t"]
)
def test_a_word_of_ones_own_is_no_slip(written: str) -> None:
    assert slip(written, FIELDS) == ""


WORDS = st.text("abc", min_size=1, max_size=6)


@given(WORDS, st.data())
def test_one_edit_apart_is_what_one_edit_makes(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 1))
    edited = data.draw(
        st.sampled_from(
            [
                word[:at] + word[at + 1 :],
                word[:at] + "x" + word[at:],
                word[:at] + "x" + word[at + 1 :],
                word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
            ]
        )
    )
    assert one_edit_apart(word, edited) == (word != edited)
    assert one_edit_apart(edited, word) == (word != edited)
    assert not one_edit_apart(word, edited + "yy")


def test_what_somebody_may_have_meant_is_worked_out_in_one_place_only() -> None:
    root = Path(findings.__file__).parent
    assert [path.name for path in root.rglob("*.py") if "get_close_matches" in path.read_text("utf-8")] == [
        "findings.py"
    ]


def test_of_many_words_the_most_alike_are_shown_and_that_there_are_more() -> None:
    many = [f"{letter}{number}" for letter in "xyz" for number in range(10, 20)]

    shown = suggestion("zebra", many)
    assert {f"z{number}" for number in range(10, 20)} <= set(shown.removeprefix("there is: ").split(", "))
    assert shown.endswith(", …")
    assert len(shown.split(", ")) == 13


def test_what_there_is_stands_in_the_same_order_each_time() -> None:
    assert suggestion("zzz", {"red", "blue", "green"}) == "there is: blue, green, red"
    assert suggestion("zzz", ["red", "blue"]) == "there is: red, blue", "an order of its own is kept"
    many = suggestion("zzz", [f"word{number}" for number in range(20)]).removesuffix(", …")
    shown = many.removeprefix("there is: ").split(", ")
    assert shown == sorted(shown)
