"""How many SMS a text costs, and how to keep it cheap (3GPP TS 23.038 §6.1.2.1 and 6.2.1.1)."""

import re

_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€\f")  # an escape and a character: two units, never split
_PLAIN = str.maketrans(
    {
        "’": "'", "‘": "'", "‚": "'", "`": "'", "´": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
        "–": "-", "—": "-", "‑": "-", "−": "-", "…": "...", "•": "-", "\u00a0": " ", "\u202f": " ",
        "\u2009": " ", "\t": " ",
    }
)  # fmt: skip
_FANCY = re.compile(f"[{re.escape(''.join(map(chr, _PLAIN)))}]")


def plain(text: str) -> str:
    """Return *text* with typographic quotes, dashes and spaces as GSM-7 has them.

    One curly apostrophe would make every segment 70 units instead of 160.
    """
    return text.translate(_PLAIN) if _FANCY.search(text) else text


def sms_segments(text: str) -> tuple[str, int, int]:
    """Return (encoding, segments, units) of *text*: ``("GSM-7", 1, 160)``.

    GSM-7: 160 septets alone, 153 in each part; the extended characters are two that stay together. Else:
    UCS-2, 70 UTF-16 units alone, 67 in each part, surrogate pairs together. An empty text is one segment.
    """
    letters = set(text)
    if letters <= _GSM and len(text) <= 160:  # nearly always
        return "GSM-7", 1, len(text)
    if letters <= _GSM | _EXTENDED:
        return "GSM-7", *_count([2 if c in _EXTENDED else 1 for c in text], 160, 153)
    return "UCS-2", *_count([2 if ord(c) > 0xFFFF else 1 for c in text], 70, 67)


def cost(text: str) -> str:
    """What *text* costs, for people: ``1 SMS (GSM-7, 143 of 160)``, the last figure what so many SMS hold."""
    encoding, segments, units = sms_segments(text)
    alone, part = (160, 153) if encoding == "GSM-7" else (70, 67)
    return f"{segments} SMS ({encoding}, {units} of {alone if segments == 1 else part * segments})"


def beyond_gsm(text: str) -> str:
    """The characters of *text*, each once, that GSM-7 does not have and that make it UCS-2."""
    return "".join(dict.fromkeys(c for c in text if c not in _GSM and c not in _EXTENDED))


def _count(sizes: list[int], alone: int, part: int) -> tuple[int, int]:
    """Segments and units of characters of these *sizes*, none of them split between two parts."""
    units = sum(sizes)
    if units <= alone:
        return 1, units
    segments, used = 1, 0
    for size in sizes:
        if used + size > part:
            segments, used = segments + 1, 0
        used += size
    return segments, units
