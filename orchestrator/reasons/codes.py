"""The codes of reasons, a small closed set, with what each means; docs/reference/reasons.md is made of it."""

from collections.abc import Mapping
from enum import StrEnum


class Code(StrEnum):
    """Why something is due, is not said, waits, was withheld, or ended as it did."""

    NONE = ""  # nothing is to be said, or nobody knows any more

    # what makes something due
    REACHED = "reached"
    EVENT = "event"
    MISSED = "missed"
    MISSED_ON_HOLD = "missed_on_hold"
    UPCOMING = "upcoming"
    AFTER = "after"
    MOVED = "moved"
    STUCK = "stuck"
    SILENT = "silent"
    RETRACTED = "retracted"
    IGNORED = "ignored"
    UNHEARD = "unheard"
    LOST = "lost"

    # why a rule says nothing, or not any more
    ORDER_UNKNOWN = "order_unknown"
    NO_JOURNEY = "no_journey"
    ORDER_HELD = "order_held"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_COMPLETE = "order_complete"
    RULE_OFF = "rule_off"
    RULE_SWITCHED = "rule_switched"
    RULE_GONE = "rule_gone"
    RULE_NEWER = "rule_newer"
    NOBODY = "nobody"
    CONDITION_FALSE = "condition_false"
    CONDITION_UNKNOWN = "condition_unknown"
    NOT_HAPPENED = "not_happened"
    HAPPENED = "happened"
    OVERTAKEN = "overtaken"
    KEPT = "kept"
    NO_PROMISE = "no_promise"
    NOT_TOLD = "not_told"
    PROMISE_PAST = "promise_past"
    ON_HOLD_THEN = "on_hold_then"
    OVERDUE = "overdue"
    KNOWN = "known"
    MOVED_OTHERWISE = "moved_otherwise"
    CORRECTED = "corrected"
    REPLACED = "replaced"
    LATER = "later"
    NEWS_FIRST = "news_first"
    SAID_BEFORE = "said_before"
    ALL_SAID = "all_said"
    EXHAUSTED = "exhausted"
    ARRIVED = "arrived"
    TAKEN_OVER = "taken_over"
    ANSWERED = "answered"
    ERASED = "erased"
    BY_PERSON = "by_person"

    # what it waits for
    NOT_DUE = "not_due"
    NOT_BEFORE = "not_before"
    CAPPED = "capped"
    UNDECIDED = "undecided"
    PARKED = "parked"
    FROZEN = "frozen"
    GOES_ON = "goes_on"
    EVERYTHING_PAUSED = "everything_paused"
    LOCATION_PAUSED = "location_paused"
    RULE_PAUSED = "rule_paused"
    CHANNEL_PAUSED = "channel_paused"
    CHANNEL_ALONE = "channel_alone"
    CHANNEL_FULL = "channel_full"
    STOPPED = "stopped"
    MISCONFIGURED = "misconfigured"
    SLOWED = "slowed"
    UNAVAILABLE = "unavailable"

    # why it was withheld
    NO_CHANNEL = "no_channel"
    TOO_LATE = "too_late"
    REFUSED = "refused"
    ACTIVE = "active"
    ON_TRIAL = "on_trial"
    NOT_ALLOWED = "not_allowed"
    NOT_REPEATED = "not_repeated"
    NO_OTHER_WAY = "no_other_way"
    NO_ADDRESS = "no_address"
    ADDRESS_STOPPED = "address_stopped"
    NOBODY_THERE = "nobody_there"
    NOT_LISTED = "not_listed"
    NO_ROOM = "no_room"
    WAITED_IN_VAIN = "waited_in_vain"

    # what became of it
    REJECTED = "rejected"
    IN_DOUBT = "in_doubt"
    WORKER_DIED = "worker_died"
    CAME_BACK = "came_back"
    GIVEN_UP = "given_up"
    REPORTED = "reported"
    ON_THE_LIST = "on_the_list"
    TOGETHER = "together"
    CARRIED = "carried"
    NOTED = "noted"


UNREACHABLE = frozenset({
    Code.NO_ADDRESS, Code.ADDRESS_STOPPED, Code.NOBODY_THERE, Code.NOT_LISTED, Code.NO_ROOM,
    Code.WAITED_IN_VAIN, Code.CAME_BACK, Code.GIVEN_UP,
})  # fmt: skip
"""Whoever was to hear it could not be reached, so that a person must say it."""

OF_CHANNELS = frozenset({Code.CHANNEL_PAUSED, Code.CHANNEL_ALONE, Code.CHANNEL_FULL})
"""It waits for a channel, and goes when that takes it."""

MISADDRESSED = frozenset({Code.NO_ADDRESS, Code.ADDRESS_STOPPED})
"""It was stopped by where it was to go."""

SECTIONS: Mapping[str, Mapping[Code, str]] = {
    "What makes something due": {
        Code.REACHED: "The milestone happened.",
        Code.EVENT: "An event of the rule's type happened.",
        Code.MISSED: "The promised moment passed and the milestone had not happened.",
        Code.MISSED_ON_HOLD: "The promised moment passed during a hold; the owner tells the customer.",
        Code.UPCOMING: "The promised moment comes near.",
        Code.AFTER: "So much time has passed since the milestone.",
        Code.MOVED: "The promise differs from what the customer was told.",
        Code.STUCK: "Nothing happened for so long after the milestone.",
        Code.SILENT: "Nobody spoke with the customer for so long.",
        Code.RETRACTED: "The milestone was taken back after somebody was told.",
        Code.IGNORED: "Whoever had the task before did not acknowledge it in time.",
        Code.UNHEARD: "The channel before took the message, and nothing says that it got far enough.",
        Code.LOST: "The message by the channel before came back, or its provider gave it up.",
    },
    "Why a rule says nothing, or not any more": {
        Code.ORDER_UNKNOWN: "No `order.upserted` was heard of the order.",
        Code.NO_JOURNEY: "The order follows a journey that no rule file declares.",
        Code.ORDER_HELD: "The order is on hold.",
        Code.ORDER_CANCELLED: "The order was cancelled.",
        Code.ORDER_COMPLETE: "The journey's last milestone was reached.",
        Code.RULE_OFF: "The rule's mode is `off`.",
        Code.RULE_SWITCHED: "The rule went on trial, or live, since this was planned.",
        Code.RULE_GONE: "No rule asks for it any more.",
        Code.RULE_NEWER: "It fell due before the rule was written or edited.",
        Code.NOBODY: "The order names nobody in that role.",
        Code.CONDITION_FALSE: "The rule's condition does not hold.",
        Code.CONDITION_UNKNOWN: "Nobody can say whether the rule's condition holds: a value is missing.",
        Code.NOT_HAPPENED: "What the rule is about has not happened: no milestone, no event, no retraction.",
        Code.HAPPENED: "The milestone happened, or happened again, so that there is nothing to say about it.",
        Code.OVERTAKEN: "A later milestone has happened since.",
        Code.KEPT: "The milestone happened before the deadline.",
        Code.NO_PROMISE: "There is no promise for the milestone.",
        Code.NOT_TOLD: "Nobody was told what this would be about.",
        Code.PROMISE_PAST: "The promise was past already when it was made: probably the date is wrong.",
        Code.ON_HOLD_THEN: "The promised moment passed while the order was on hold.",
        Code.OVERDUE: "It was overdue when we heard of the promise; another rule makes a task of it.",
        Code.KNOWN: "The customer knows the date that stands.",
        Code.MOVED_OTHERWISE: "The promise moved by less than the rule asks for, or in the other direction.",
        Code.CORRECTED: "The message that the milestone was taken back says so.",
        Code.REPLACED: "A newer message of the same rule takes its place.",
        Code.LATER: "The same rule asks for something else, later.",
        Code.NEWS_FIRST: "News waits to be said; a rule about silence gives way to it.",
        Code.SAID_BEFORE: "This text was said already.",
        Code.ALL_SAID: "Every message of the rule was said; it begins again after something new.",
        Code.EXHAUSTED: "Every message of the rule was sent already; a person must find words.",
        Code.ARRIVED: "The message before got far enough.",
        Code.TAKEN_OVER: "A colleague took it over and spoke with the customer.",
        Code.ANSWERED: "The task was acknowledged or finished.",
        Code.ERASED: "The customer was erased.",
        Code.BY_PERSON: "A person took it back, in their own words.",
    },
    "What it waits for": {
        Code.NOT_DUE: "Its moment has not come.",
        Code.NOT_BEFORE: "The channel may not be used before that moment: hours, quiet hours, the law.",
        Code.CAPPED: "The customer had as many messages as a day or a week allows.",
        Code.UNDECIDED: "The rule failed on this order, and is asked again.",
        Code.PARKED: "It cannot be written or decided until a text, or the facts, are mended.",
        Code.FROZEN: "Changed rules that would change it wait for a person.",
        Code.GOES_ON: "What it waited for is over.",
        Code.EVERYTHING_PAUSED: "Everything is paused.",
        Code.LOCATION_PAUSED: "The order's location is paused.",
        Code.RULE_PAUSED: "The rule is paused.",
        Code.CHANNEL_PAUSED: "The channel is paused.",
        Code.CHANNEL_ALONE: "The channel is left alone for a while: it fails, or its provider asks for it.",
        Code.CHANNEL_FULL: "The channel sends as much as its rate allows.",
        Code.STOPPED: "Sending was broken off before anything left.",
        Code.MISCONFIGURED: "The channel's settings are wrong.",
        Code.SLOWED: "The provider said when it takes messages again.",
        Code.UNAVAILABLE: "The channel did not take it this time; it is tried again, or by the next one.",
    },
    "Why it was withheld": {
        Code.NO_CHANNEL: "No channel could carry it while it was useful.",
        Code.TOO_LATE: "It was useless by then.",
        Code.REFUSED: "The recipient does not want it: no consent, or none by this channel.",
        Code.ACTIVE: "The customer looked by themselves meanwhile.",
        Code.ON_TRIAL: "The rule is on trial, and would have said this.",
        Code.NOT_ALLOWED: "A system for trying out sends only to the addresses on its list.",
        Code.NOT_REPEATED: "It may have been said, and is not repeated.",
        Code.NO_OTHER_WAY: "By one channel it may have left, and that is no way to say it any more.",
        Code.NO_ADDRESS: "There is no address for the channel.",
        Code.ADDRESS_STOPPED: "Nothing is sent to this address any more.",
        Code.NOBODY_THERE: "Nothing is known about whom it is for.",
        Code.NOT_LISTED: "The recipient wants to hear by other channels only.",
        Code.NO_ROOM: "It is useless before the customer may hear from us again.",
        Code.WAITED_IN_VAIN: "Its channels took nothing until it was useless.",
    },
    "What became of it": {
        Code.REJECTED: "The provider refused it.",
        Code.IN_DOUBT: "Nobody can say whether it left.",
        Code.WORKER_DIED: "The process that sent it ended while it did; nobody can say whether it left.",
        Code.CAME_BACK: "It was taken by the provider and came back.",
        Code.GIVEN_UP: "It was taken by the provider, who gave it up.",
        Code.REPORTED: "The provider said later what became of it.",
        Code.ON_THE_LIST: "The task stands on the list of tasks only.",
        Code.TOGETHER: "It was said in one message with what was said of other orders.",
        Code.CARRIED: "It carried a line that is said once.",
        Code.NOTED: "The provider took it, and said something about it.",
    },
}  # fmt: skip
