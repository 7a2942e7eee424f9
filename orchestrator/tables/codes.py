"""Every code a problem with a mapping or a row of a table may carry (docs/reference/codes.md has them)."""

from collections.abc import Mapping

from orchestrator.findings import Code

TABLE_CODES: Mapping[str, Code] = {
    # ── the mapping
    "M001": Code(
        "not in the table",
        "The mapping names a column that the table's header does not have, or has twice.",
        "Correct the name; columns are written as in the header, capitals count.",
    ),
    "M002": Code(
        "no such encoding or delimiter",
        "The text names no encoding that is known, or is no single character that could separate values.",
        "Write `utf-8`, `cp1252` …, and `;`, `,` or `tab`.",
    ),
    "M003": Code(
        "not a template",
        "A brace has no partner, or a column stands in no braces where only columns make sense.",
        "Write `{Column}`; a brace that is meant as one is doubled.",
    ),
    "M004": Code(
        "no such list of words",
        "`{Column|list}` looks a cell up in a list that does not stand under `words:`.",
        "Add the list, or correct its name.",
    ),
    "M005": Code(
        "a zone that does not exist",
        "Local times need a zone of the IANA database.",
        "Write `Europe/Berlin`, or a template such as `{Country|zone}`.",
    ),
    "M006": Code(
        "no header",
        "The line that should hold the names of the columns is missing, or cannot be read.",
        "Say in which line they stand (`header: 3`), or name them under `columns:`.",
    ),
    "M007": Code(
        "another encoding",
        "The bytes of the file are not text in the encoding that the mapping names.",
        "Write the encoding that the hint names, look at a line with an accent, and import again.",
    ),
    # ── a line of the table
    "M101": Code(
        "bytes that are no text",
        "This line holds bytes that do not exist in the file's encoding; other lines are fine.",
        "Correct the line where it comes from.",
    ),
    "M102": Code("a NUL byte", "No text holds a NUL; the export is damaged.", "Export the table again."),
    "M103": Code(
        "a quote that never closes",
        "A value begins with a quote, and the quote that should end it is missing or stands in the middle.",
        'Double quotes inside a value: `"a 3"" pipe"`. The lines after this one were read by themselves.',
    ),
    "M104": Code(
        "too many or too few values",
        "The row has another number of values than the header has names.",
        "Put values that contain the delimiter in quotes.",
    ),
    "M105": Code("a line too long", "A single line is longer than a megabyte.", "Export the table again."),
    "M106": Code(
        "the same key, different rows",
        "Two lines have the same order id and say different things; nobody can tell which is right.",
        "Neither was taken; the report names both. Remove one of them.",
    ),
    "M107": Code(
        "no id",
        "The columns that make up the id of the order, or of its customer, are empty.",
        "Fill them, or leave such rows out with `only:`.",
    ),
    "M108": Code(
        "not a date",
        "A text stands where a date should be.",
        "Correct it; `date_order` and `date_formats` say how dates are written, `empty` what means none.",
    ),
    "M109": Code(
        "a date that does not exist",
        "The calendar has no such day (30 February), or no such month, as when day and month are exchanged.",
        "Correct it, or `date_order`.",
    ),
    "M110": Code(
        "not a number",
        "A text stands where a number should be, or a sum of money without its currency.",
        "Correct it (`decimal` is its mark), or name the currency: `{value: '{Price} EUR', as: money}`.",
    ),
    "M111": Code("not yes or no", "A flag is yes or no, true or false, 1 or 0.", "Write one of these."),
    "M112": Code(
        "not in the list of words",
        "The cell stands in no line of the list under `words:`.",
        "Add it to the list, or correct the cell.",
    ),
    "M113": Code(
        "in the future",
        "The table says that something happened on a day that has not begun. What will happen is a promise.",
        "Correct the date, or map the column under `promises:`.",
    ),
    "M114": Code(
        "a time zone that does not exist",
        "The row's zone is no zone of the IANA database, so nobody knows when its local times are.",
        "Write `Europe/Berlin`; look other names up with `words:`.",
    ),
    "M115": Code(
        "an end without a beginning",
        "A window needs both of its ends, each with a time.",
        "Fill both columns.",
    ),
    # ── worth knowing, nothing is refused
    "M201": Code(
        "a customer described in two ways",
        "Two rows describe the same customer differently. The first one counts.",
        "Map only columns that belong to the customer, or correct the table.",
    ),
    "M202": Code(
        "cancelled before",
        "An earlier import cancelled the order and the table does not; a cancelled order stays so.",
        "Give the order a new id if the customer waits again.",
    ),
    # ── a list of addresses that nothing is sent to
    "M301": Code(
        "columns nobody knows",
        "No column of the list holds addresses, or one is called nearly as one that is known.",
        "Correct the name, or say which column holds what: `--column address=Empfaenger`.",
    ),
    "M302": Code(
        "no address",
        "The line holds no mail address, no number with its country, no device and no hash, or two of them.",
        "Correct the line; `--country DE` says where national numbers belong.",
    ),
    "M303": Code(
        "no such channel",
        "The line does not say on which channel nothing is to be sent, or there is none of that name.",
        "Say `--channel NAME`, `--everywhere`, or correct the column.",
    ),
    "M304": Code(
        "no date",
        "The day on which the address was suppressed cannot be read, or has not come yet.",
        "Write `2026-03-12`; seconds since 1970 and the dates of mails are read too.",
    ),
    "M305": Code(
        "a hash of another ledger",
        "Hashes are keyed, and the key of this one is not known here: it would never match anybody.",
        "Export that ledger's key with `--key-file` too, and name the file on import.",
    ),
}
