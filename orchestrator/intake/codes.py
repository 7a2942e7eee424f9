"""Every code a problem with an event may carry (docs/reference/codes.md is made of these)."""

from collections.abc import Mapping

from orchestrator.findings import Code

_DATE_LIKE = (
    "Write a moment like `2026-03-12T17:30:00+01:00` or `2026-03-12T16:30:00Z`, a date like `2026-03-12`."
)

EVENT_CODES: Mapping[str, Code] = {
    # ── the text
    "E001": Code(
        "not JSON",
        "The text is not JSON in UTF-8. NaN, infinity, comments and trailing commas are no JSON either.",
        "Write the event with a JSON library; one event to a line in a file.",
    ),
    "E002": Code(
        "the same key twice",
        "An object has one key two times, so one of its two values would be lost without a word.",
        "Remove one of them.",
    ),
    "E003": Code(
        "nested too deeply",
        "Objects and lists stand inside one another deeper than any event needs.",
        "Flatten the data; attributes are best plain values.",
    ),
    "E004": Code(
        "too large",
        "One event, or one request, is larger than the limit.",
        "Send less in one event; split a batch. Documents and pictures belong elsewhere, with a link here.",
    ),
    "E005": Code(
        "not an event",
        "An event is a JSON object; a batch is a list of them.",
        "Send an object with specversion, id, source, type, subject, time and data.",
    ),
    "E006": Code(
        "one document over several lines",
        "A file of events holds one event on each line (JSON lines), so that it can be read however long it "
        "is; this one was written for reading, or is a list.",
        "Write one event per line: `jq -c . FILE`, and `jq -c '.[]' FILE` for a list.",
    ),
    "E007": Code(
        "a file without events",
        "No line of the file is a JSON object: it is something else than a file of events, or is packed, or "
        "is written in UTF-16.",
        "Name the file of events. A table is taken by `beforehand import`.",
    ),
    # ── the envelope (CloudEvents 1.0)
    "E010": Code(
        "an attribute is missing",
        "CloudEvents asks for specversion, id, source and type in every event.",
        "Add the attribute. The id must stay the same when the same event is sent again.",
    ),
    "E011": Code(
        "an attribute is wrong",
        "An attribute of the envelope is a printable text of at most 512 characters without space around it.",
        "Send such a text.",
    ),
    "E012": Code(
        "another version of CloudEvents",
        "Only CloudEvents 1.0 is understood.",
        'Send `"specversion": "1.0"`.',
    ),
    "E013": Code(
        "no subject",
        "Without a subject nobody knows which order or customer the event is about.",
        "Send the id of the order in `subject`; of the customer for customer.*, preference.* and consent.*.",
    ),
    "E014": Code(
        "no time",
        "In a replay nobody hears the event live, so it must say when it happened or when it was recorded.",
        "Add `time` or `recordedtime`.",
    ),
    "E015": Code(
        "in the future",
        "The event says it happened, or was recorded, later than we heard of it. What will happen is a "
        "promise, not a fact.",
        "Check the sender's clock and its offset from UTC. A plan is a promise.made.",
    ),
    "E016": Code(
        "no such attribute",
        "The names of CloudEvents attributes are lower-case letters and digits, their values texts, whole "
        "numbers or true and false; one that is a single slip away from `time`, `recordedtime` or "
        "`datacontenttype`, when that is not there, was meant to be it. Binary data (`data_base64`) and "
        "other content types than JSON are not understood.",
        "Correct the name. Move what belongs to the event's content into `data`.",
    ),
    "E017": Code(
        "a reserved source or type",
        "The source `beforehand` and the types `notification.…` are the engine's own, and nobody else's.",
        "Name the system that sends the event, and give the event a type of its own.",
    ),
    # ── the data
    "E100": Code(
        "data is not an object",
        "The data of an event is a JSON object.",
        'Send `"data": {…}`.',
    ),
    "E101": Code(
        "a field is missing",
        "The type of this event needs that field.",
        "Add it; docs/reference/events.md has an example of each type.",
    ),
    "E102": Code(
        "the wrong kind of value",
        "The field holds a text where a number belongs, a list where an object belongs, or the like.",
        "Send the kind of value that docs/reference/events.md names for the field.",
    ),
    "E103": Code(
        "not one of the choices",
        "The field knows a few words only.",
        "Use one of those in the message.",
    ),
    "E104": Code("not a date and time", "Moments are written as RFC 3339 says.", _DATE_LIKE),
    "E105": Code(
        "a time without an offset",
        "`2026-03-12T17:30:00` is another moment in Munich than in New York; guessing makes messages late.",
        "Add the offset or `Z`.",
    ),
    "E106": Code(
        "a date that does not exist",
        "The calendar has no such day, or the clock no such time (30 February, 25:00).",
        "Correct it where it comes from.",
    ),
    "E107": Code("not a date", "Here belongs a day without a time.", _DATE_LIKE),
    "E108": Code(
        "not a time of day",
        "Here belongs a local time such as `19:00`.",
        "Write hours and minutes, 24 hours a day.",
    ),
    "E109": Code(
        "not a day of the week",
        "Days are written by name, or as numbers from 0 (Monday) to 6 (Sunday).",
        "Write `mon` … `sun`, `weekdays`, `weekend` or `daily`.",
    ),
    "E110": Code(
        "an unknown time zone",
        "Local times need a zone of the IANA database; abbreviations such as CEST are none.",
        "Write `Europe/Berlin`, or leave it out. A customer's zone is not checked: by one that nobody knows, "
        "the order's place decides.",
    ),
    "E111": Code(
        "not a language tag", "Languages are written as BCP 47 says.", "Write `de`, `de-AT` or `zh-Hant-TW`."
    ),
    "E112": Code(
        "an unknown country", "Countries are ISO 3166 codes of two letters.", "Write `DE`, `GB`, `US`."
    ),
    "E113": Code(
        "not a mail address",
        "Mail to this address cannot arrive. Nothing of the event was taken, so that nobody believes it can.",
        "Correct the address, or leave `email` out.",
    ),
    "E114": Code(
        "not a phone number",
        "No network can call this number.",
        "Correct it, best with its country (`+49 30 23125 123`), or leave `phone` out.",
    ),
    "E115": Code(
        "a national number of no known country",
        "Without a country the same digits are a different telephone everywhere.",
        "Write it with its country (`+49 …`), or send `country` beside it.",
    ),
    "E116": Code(
        "not one promise",
        "A promise is a `date`, or an instant `at`, or a window `from` and `to`: exactly one of the three.",
        "Send one of them; two promises are two events.",
    ),
    "E117": Code("a window that ends before it begins", "`to` is earlier than `from`.", "Exchange them."),
    "E118": Code(
        "merged with itself",
        "A customer can only be merged into another one.",
        "Send the customer who goes in `subject` and the one who stays in `into`.",
    ),
    "E119": Code(
        "nearly a known field",
        "Fields that nobody knows are kept as attributes, but this one is a slip of a field of this type "
        "that is not there: kept as it came, what it says would be lost without a word.",
        "Write the field as docs/reference/events.md does. A field of your own needs another name, or "
        "belongs into `attributes`.",
    ),
    "E120": Code(
        "a window that never opens",
        "`from` is inclusive and `to` exclusive, so nothing lies between two that are the same.",
        "Write the hours that are meant; `00:00` to `24:00` is the whole day.",
    ),
    "E121": Code(
        "an unknown channel",
        "A preference or a consent for a channel that does not exist would never be kept; it may have a name "
        "of its own.",
        "Write one of the channels; docs/reference/channels.md has all of them.",
    ),
    "E122": Code(
        "a device that cannot be reached",
        "Its kind is unknown, or what is given is no token or subscription of that kind.",
        "Write `fcm:TOKEN`, `apns:TOKEN`, or a browser's subscription as its `toJSON()` gives it.",
    ),
    "E123": Code(
        "working hours of a channel",
        "Somebody is at work or is not, whatever the channel: hours of one of them would never be kept.",
        "Leave `channel` out; `refuses` names channels by which somebody wants to hear nothing.",
    ),
    "E124": Code(
        "a date beyond all reason",
        "A promise or a slot lies before 1970 or after 2199. Systems write `9999-12-31` or `0001-01-01` for "
        "no date at all, and that is no promise to anybody.",
        "Send no promise as long as there is no date.",
    ),
    # ── HTTP
    "E200": Code(
        "an unknown content type",
        "Events come as CloudEvents over HTTP: structured, as a batch, or binary with JSON data.",
        "Send `application/cloudevents+json`, `application/cloudevents-batch+json`, or `ce-*` headers with "
        "`application/json`; not compressed.",
    ),
    "E201": Code(
        "a header that cannot be read",
        "A `ce-*` header is percent-encoded UTF-8, and comes once.",
        "Encode it as the CloudEvents HTTP binding says (section 3.1.3.2).",
    ),
    "E202": Code(
        "ce-datacontenttype",
        "In binary mode the content type of the data is the `Content-Type` header; this header is forbidden.",
        "Leave it out.",
    ),
    "E203": Code(
        "the same id with another body",
        "An event of this source and id was accepted before and said something else. Facts are never edited.",
        "Send what changed as a new event with an id of its own.",
    ),
    "E204": Code(
        "not now",
        "The ledger does not answer. Nothing of the request was kept.",
        "Send the same request again after the time in `Retry-After`.",
    ),
}
