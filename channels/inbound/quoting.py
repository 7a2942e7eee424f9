"""What somebody wrote themselves, without the mail that they answered: cut only where there is no doubt."""

import re

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
LONGEST = 10_000  # characters of a reply that are kept

_LINE = re.compile(r"[-_–—=* ]{0,10}(?:{words})[-_–—=* ]{0,10}".replace("{words}", "|".join((  # noqa: FLY002
    "Original Message", "Original message", "Forwarded message", "Reply message",
    "Ursprüngliche Nachricht", "Originalnachricht", "Weitergeleitete Nachricht",
    "Message d'origine", "Message d’origine", "Mensaje original", "Messaggio originale",
    "Oorspronkelijk bericht", "Özgün İleti",
))))  # fmt: skip
_WROTE = re.compile(
    r"(?:On|Am|Le|El|Il|Op|Den)\b.{4,200}\b"
    r"(?:wrote|schrieb|a écrit|escribió|ha scritto|schreef|skrev)\b.{0,120}:",
    re.DOTALL,
)
_OUTLOOK = re.compile(
    r"\*?(?:From|Von|De|Da|Van)\s?:\*? .+\n"
    r"(?:\*?(?:Sent|Date|Gesendet|Datum|Envoyé|Enviado|Inviato|Verzonden|To|An|À|Para|A|Aan|Cc|Subject"
    r"|Betreff|Objet|Asunto|Oggetto|Onderwerp)\s?:\*? .*\n){2}"
)


def own_words(text: str) -> str:
    """*text* without what it quotes at its end, at most :data:`LONGEST` characters.

    It is whole when words stand between or below what is quoted, and when nothing would be left.
    """
    text = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " "))
    lines = text.split("\n")
    cut = next((at for at in range(len(lines)) if _begins(lines, at)), None)
    kept = "\n".join(lines if cut is None else lines[:cut]).strip()
    return (kept or text.strip())[:LONGEST]


def _begins(lines: list[str], at: int) -> bool:
    """Does the quotation begin at this line, and nothing of theirs follow?"""
    line = lines[at].strip()
    if line.startswith(">"):
        return all(not rest.strip() or rest.lstrip().startswith(">") for rest in lines[at:])
    if _LINE.fullmatch(line) and line[:1] in "-_–—=*":
        return True
    if _OUTLOOK.match("\n".join(one.strip() for one in lines[at : at + 5]) + "\n"):
        return True
    return any(_attributed(lines, at, ends) for ends in (at + 1, at + 2, at + 3))


def _attributed(lines: list[str], at: int, ends: int) -> bool:
    """Are these lines an "On … wrote:", with a quotation below that nobody wrote into?"""
    if not _WROTE.fullmatch(" ".join(line.strip() for line in lines[at:ends]).strip()):
        return False
    below = [line.lstrip() for line in lines[ends:] if line.strip()]
    quoted = [line.startswith(">") for line in below]
    return not below or all(quoted) or not any(quoted)
