"""Every code a problem with the settings may carry."""

from collections.abc import Mapping

from orchestrator.findings import Code

SETTING_CODES: Mapping[str, Code] = {
    "C001": Code(
        "not TOML", "The settings file is not TOML in UTF-8.", "Correct the line; https://toml.io shows how."
    ),
    "C002": Code(
        "no settings file",
        "The file named by `--config`, `$BEFOREHAND_CONFIG` or a `…_FILE` variable cannot be read.",
        "Correct the path, or the permissions.",
    ),
    "C003": Code(
        "no such setting",
        "No section or setting has this name; a typing error would otherwise silently leave the default.",
        "Correct the name; docs/reference/settings.md has all of them.",
    ),
    "C004": Code(
        "the wrong kind of value",
        "The setting holds a text where a number belongs, or the like.",
        "Write the kind of value that the message names.",
    ),
    "C005": Code(
        "out of range", "The number is too small or too large.", "Stay within the limit in the message."
    ),
    "C006": Code("not one of the choices", "The setting knows a few words only.", "Use one of those."),
    "C010": Code(
        "not a length of time",
        "Lengths are written with their units.",
        "Write `30s`, `2m`, `24h` or `1d12h`.",
    ),
    "C011": Code(
        "not hours",
        "Hours are from-to on the 24-hour clock; quiet hours may run past midnight, opening hours not.",
        "Write `09:00-18:00`; for no quiet hours, `none`.",
    ),
    "C012": Code(
        "an unknown time zone", "Zones have the names of the IANA database.", "Write `Europe/Berlin`."
    ),
    "C013": Code(
        "not a mail address", "A mailbox is one address without a name.", "Write `service@example.com`."
    ),
    "C014": Code(
        "not a language tag", "Languages are written as BCP 47 says.", "Write `en`, `de` or `de-AT`."
    ),
    "C015": Code(
        "not a size", "Sizes are bytes, or a number with its unit.", "Write `64KB`, `1MB` or `1MiB`."
    ),
    "C016": Code("not a date", "Dates are written as ISO 8601 says.", "Write `2026-12-25`."),
    "C017": Code(
        "not a ledger",
        "A ledger is in SQLite or in PostgreSQL.",
        "Write `sqlite:///FILE`, or `postgresql://USER@HOST/DATABASE`.",
    ),
    "C018": Code(
        "a calendar that never opens",
        "Business days and hours could never be counted on it.",
        "Give at least one day its hours.",
    ),
    "C019": Code(
        "no public holidays of this place",
        "The country or its subdivision has no public holidays that we know.",
        "Write an ISO 3166 code such as `DE`, and a subdivision such as `BY`; or list `holidays` yourself.",
    ),
    "C021": Code(
        "two kinds of encryption",
        "`tls` encrypts from the first byte, `starttls` later; a connection can do one of them.",
        "Port 465: `tls = true` and `starttls = false`. Port 587: the other way round.",
    ),
    "C022": Code(
        "a live channel without what it needs",
        "Nothing can be sent for real without a server, an account or the mailbox it comes from.",
        "Set what the message names; for mail `channels.email.host` and `sender.email`.",
    ),
    "C023": Code(
        "half a login", "A user without a password, or the reverse, cannot log in.", "Give both, or neither."
    ),
    "C025": Code(
        "hours of the law that cannot be read",
        "The file with the hours of the law says nothing clear, so nobody could keep to it.",
        "Correct it as the message says.",
    ),
    "C026": Code(
        "a colour that cannot be read",
        "Colours of a brand go into style sheets as they are, so only one way to write them is taken.",
        'Write `accent = "#0b6b5d"`.',
    ),
    "C027": Code(
        "a layout that cannot be named so",
        "A layout is a file in `shared/layouts/` among the templates, named without its ending.",
        'Write `layout = "classic"` for `shared/layouts/classic.html.j2`.',
    ),
    "C030": Code(
        "a secret in the settings file",
        "Settings files are copied, committed and shown to others; secrets must not be in them.",
        "Put it into the environment variable that the hint names, or into a file that its `…_FILE` names.",
    ),
    "C031": Code(
        "one setting, two values",
        "The environment gives the setting both directly and by a file.",
        "Remove one of the two variables.",
    ),
    "C032": Code(
        "settings that a channel refuses",
        "The values are of the right kind, and the channel cannot work with them.",
        "Do as the message says.",
    ),
    "C033": Code(
        "no such kind of channel",
        "No kind of channel has this name, neither one that comes with Beforehand nor one of a package.",
        "Correct the name, or install the package; `beforehand channels list` has all of them.",
    ),
    "C034": Code(
        "a kind of channel that cannot be used",
        "The package that brings it cannot be loaded.",
        "Mend or update the package.",
    ),
    "C035": Code(
        "no name for a channel",
        "Rules, templates, variables and files in the outbox carry the name of a channel.",
        "Write small letters, digits and `_`, beginning with a letter.",
    ),
    "C036": Code("a setting is missing", "The channel has no default for it.", "Write it."),
    "C037": Code(
        "no such kind of reporter",
        "A table `[callbacks.NAME]` says what reads a provider's callbacks, and nothing of that name does.",
        "Correct the name or its `kind`, or install the package.",
    ),
    "C038": Code(
        "callbacks about a channel that is not there",
        "What a provider reports is about the messages of one channel.",
        "Write the name of the channel that the provider's messages leave by.",
    ),
    "C039": Code(
        "an address of the web that cannot be read",
        "Providers sign what they report together with the address they report it to, to the letter.",
        "Write it with its scheme and without anything behind its path: `https://updates.example.com`.",
    ),
    "C040": Code(
        "no rate",
        "A rate is so many messages in so much time: a second, a minute, an hour or a day.",
        'Write `"10/s"`, `"600/m"`, `"5000/h"` or `"100000/d"`.',
    ),
    "C043": Code(
        "addresses that cannot be signed",
        "Bounces and answers are believed only at an address that we signed for one mail.",
        "Give signing keys, each of 16 characters or more, and a mailbox that is short enough.",
    ),
    "C044": Code(
        "advertising and service from one address",
        "Who calls advertising spam makes service spam as well: mailbox providers judge addresses.",
        "Give marketing a mailbox of its own, in [sender.marketing] or that of the brand.",
    ),
    "C045": Code(
        "shares no rate",
        "A channel that leaves by the account of another shares its rates, and that one has them itself.",
        "Name in `rate_of` the channel that has `rate`, and leave it out there.",
    ),
}
