"""Pages speak every language with the same words, and their colours can be read whatever the brand is."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.render.contrast import TEXT, contrast, readable, text_on
from orchestrator.render.page_words import languages, words

ENGLISH = words("en").said
COLOUR = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def blanks(said: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(said) if name is not None}


@pytest.mark.parametrize("language", sorted(languages()))
def test_every_language_has_every_word_with_the_same_blanks(language: str) -> None:
    said = words(language).said
    assert said.keys() == ENGLISH.keys()
    assert {key: blanks(value) for key, value in said.items()} == {key: blanks(ENGLISH[key]) for key in said}


@pytest.mark.parametrize("language", sorted(languages()))
def test_no_page_shouts_or_sends_anybody_elsewhere(language: str) -> None:
    for said in words(language).said.values():
        assert not re.search(r"!|https?:|www\.", said)


def test_the_readers_own_language_comes_first_then_the_companys_then_english() -> None:
    assert (words("de-AT", "fr").language, words("de-AT").locale) == ("de", "de-AT")
    assert words("ja", "fr").language == "fr"
    assert words("ja", "").language == "en"


def test_a_value_that_runs_the_other_way_does_not_turn_the_sentence_round() -> None:
    assert words("ar")("tracker.call", phone="+49 30 23125 100").count("\u2068") == 1
    assert words("ar").direction == "rtl"
    assert words("de").direction == "ltr"


@given(COLOUR, COLOUR)
def test_any_colour_can_be_made_readable_on_any_other(colour: str, behind: str) -> None:
    found = readable(colour, behind)
    assert contrast(found, behind) >= TEXT
    assert found == colour or contrast(colour, behind) < TEXT


@given(COLOUR)
def test_what_stands_on_a_button_can_be_read(colour: str) -> None:
    assert contrast(text_on(colour), colour) >= TEXT


def test_contrast_is_what_the_guidelines_say() -> None:
    assert round(contrast("#000000", "#ffffff"), 2) == 21
    assert round(contrast("#767676", "#ffffff"), 2) == 4.54
