"""Words that are a wish and no answer: STOP, START, HELP, as the whole of what somebody writes. Pure.

The English words are those carriers and Twilio know everywhere
(https://help.twilio.com/articles/223134027); beside them stand the customer's own.
"""

import unicodedata
from collections.abc import Mapping
from enum import StrEnum


class Wish(StrEnum):
    """What somebody asks for by a keyword."""

    STOP = "stop"
    START = "start"
    HELP = "help"


YES = "yes"  # the only one that answers a text as well
_IN_LETTERS = frozenset({YES, "end", "quit", "cancel", "revoke", "alto", "annulla", "basta", "sair"})
_Words = Mapping[Wish, str]
_EVERYWHERE: _Words = {
    Wish.STOP: "stop stopall unsubscribe end quit cancel revoke optout",
    Wish.START: f"start {YES} unstop",
    Wish.HELP: "help info",
}
_OWN: Mapping[str, _Words] = {
    "de": {Wish.STOP: "stopp abmelden abbestellen", Wish.START: "anmelden", Wish.HELP: "hilfe"},
    "fr": {Wish.STOP: "arret arrêt désabonner", Wish.HELP: "aide"},
    "es": {Wish.STOP: "baja parar alto", Wish.START: "alta", Wish.HELP: "ayuda"},
    "it": {Wish.STOP: "basta annulla", Wish.HELP: "aiuto"},
    "nl": {Wish.STOP: "afmelden stoppen", Wish.START: "aanmelden", Wish.HELP: "hulp"},
    "pt": {Wish.STOP: "parar sair", Wish.HELP: "ajuda"},
}
_AROUND = " \t\r\n\u00a0.!\"'„“”«»"  # what people and telephones put around a word


def wish(text: str, locale: str = "", *, letter: bool = False) -> Wish | None:
    """What *text* as a whole asks for, in any case, or ``None`` for an answer.

    Someone whose language is not known may use any. In a *letter*, which is what a mail is, only the
    unmistakable words count: "Yes" and "Cancel" are carriers' words, and answer what a mail asked.
    """
    word = _word(text)
    if not word or any(sign.isspace() for sign in word):
        return None
    if letter and word in _IN_LETTERS:
        return None
    language = locale.replace("_", "-").partition("-")[0].lower()
    known: list[_Words] = [*_OWN.values()] if not language else [_OWN.get(language, {})]
    for words in (_EVERYWHERE, *known):
        for meant, spelt in words.items():
            if word in spelt.split():
                return meant
    return None


def says_yes(text: str) -> bool:
    """Is it the word that asks for messages again, and that answers a question?"""
    return _word(text) == YES


def _word(text: str) -> str:
    """*text* without what stands around it, and without what nobody sees; wide letters are letters."""
    seen = "".join(sign for sign in text if unicodedata.category(sign) != "Cf")
    return unicodedata.normalize("NFKC", seen).strip(_AROUND).casefold()
