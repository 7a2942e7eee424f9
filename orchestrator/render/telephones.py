"""Telephone numbers as people read them."""

from functools import lru_cache


@lru_cache(maxsize=1024)  # the same few people look after all orders
def as_dialled(number: str) -> str:
    """A number as intake keeps it (E.164), with the gaps people read it by; any other stays as it is."""
    if not number.startswith("+") or not number[1:].isdecimal():
        return number
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
