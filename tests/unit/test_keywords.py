"""Words that are a wish: the whole of what was written, in any case, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.persons.keywords import Wish, says_yes, wish

STOP = ("STOP", "STOPALL", "UNSUBSCRIBE", "END", "QUIT", "CANCEL", "REVOKE", "OPTOUT")


@pytest.mark.parametrize("word", STOP)
@pytest.mark.parametrize("locale", ["", "en", "de-DE", "ja"])
def test_the_words_that_carriers_know_stop_everywhere(word: str, locale: str) -> None:
    for written in (word, word.lower(), word.title(), f"  {word}\n", f"{word}!", f'"{word}."'):
        assert wish(written, locale) is Wish.STOP


@pytest.mark.parametrize("written", ["ＳＴＯＰ", "\u200bSTOP", "\u2068Stop\u2069", "ｓｔｏｐ！"])
def test_wide_letters_and_signs_that_nobody_sees_make_no_other_word(written: str) -> None:
    assert wish(written, "ja") is Wish.STOP


def test_an_accent_may_be_a_sign_of_its_own() -> None:
    assert wish("ARRE\u0302T", "fr") is Wish.STOP


@pytest.mark.parametrize("word", ["START", "yes", "UnStop"])
def test_start(word: str) -> None:
    assert wish(word) is Wish.START


@pytest.mark.parametrize("word", ["HELP", "info"])
def test_help(word: str) -> None:
    assert wish(word) is Wish.HELP


def test_a_customer_may_use_the_words_of_their_own_language() -> None:
    assert wish("Stopp", "de-AT") is Wish.STOP
    assert wish("ARRÊT", "fr") is Wish.STOP
    assert wish("Hilfe", "de") is Wish.HELP
    assert wish("baja", "es_MX") is Wish.STOP


@pytest.mark.parametrize("word", ["Yes", "Cancel", "END", "quit", "Annulla"])
def test_words_that_answer_a_letter_are_no_wish_in_one(word: str) -> None:
    assert wish(word) is not None
    assert wish(word, letter=True) is None


@pytest.mark.parametrize("word", ["STOP", "Unsubscribe", "START", "Stopp", "Abmelden"])
def test_the_unmistakable_words_are_wishes_in_a_letter_too(word: str) -> None:
    assert wish(word, letter=True) is wish(word) is not None


def test_words_of_another_language_are_an_answer() -> None:
    assert wish("alto", "it") is None
    assert wish("basta", "de") is None


def test_whoever_has_no_known_language_may_use_any() -> None:
    assert wish("Stopp") is Wish.STOP


@pytest.mark.parametrize(
    "text",
    ["", " ", "Please stop by at nine", "stop it", "ok", "Yes please", "?", "end of the week"],
)
def test_anything_else_is_an_answer(text: str) -> None:
    assert wish(text) is None


@given(st.text(max_size=60), st.sampled_from(STOP))
def test_a_word_among_others_is_no_wish(rest: str, word: str) -> None:
    if rest.strip(" \t\r\n\u00a0.!\"'„“”«»"):
        assert wish(f"{word} {rest}") is None


def test_yes_is_the_one_that_answers_questions() -> None:
    assert says_yes(" Yes! ")
    assert not says_yes("START")
