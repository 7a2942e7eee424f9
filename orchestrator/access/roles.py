"""Roles × actions, as one table. Pure; whoever asks whether somebody may, asks here."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Role(StrEnum):
    """What somebody is in this installation; each may do what the one before may, and more."""

    READ_ONLY = "read-only"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"


class Action(StrEnum):
    """What a person can do here; every route of the console declares one."""

    OWN_ACCOUNT = "own-account"  # sign out, change one's password
    SEE = "see"  # orders, customers, messages, rules, channels, measures
    LOG_CONTACT = "log-contact"  # a call, a note, an answer
    CORRECT_ORDER = "correct-order"  # a promise, a milestone, hold and release
    DO_TASK = "do-task"  # acknowledge, done
    STEER_MESSAGE = "steer-message"  # send now, cancel, snooze, add a line, take over
    SET_PREFERENCE = "set-preference"  # for a customer who asked for it: hours, channels, consent
    EXPORT_CUSTOMER = "export-customer"
    EXPORT_MEASURES = "export-measures"
    PAUSE = "pause"  # and resume
    SUPPRESS = "suppress"  # addresses that nothing is sent to, and taking them off
    TEST_CHANNEL = "test-channel"
    TRY_RULES = "try-rules"  # check, simulate and plan what nobody keeps
    PROPOSE_RULES = "propose-rules"  # save a version and ask for its release; small ones count at once
    RELEASE = "release"  # let a held plan count, or reject it
    ERASE_CUSTOMER = "erase-customer"
    MANAGE_PEOPLE = "manage-people"
    MANAGE_KEYS = "manage-keys"
    READ_AUDIT = "read-audit"

    @property
    def words(self) -> str:
        """The same for people."""
        return WORDS[self]


WORDS: Mapping[Action, str] = {
    Action.OWN_ACCOUNT: "look after your own account",
    Action.SEE: "see orders, customers, messages, rules and channels",
    Action.LOG_CONTACT: "log calls and answers",
    Action.CORRECT_ORDER: "correct promises and milestones",
    Action.DO_TASK: "do tasks",
    Action.STEER_MESSAGE: "send, move and cancel messages",
    Action.SET_PREFERENCE: "note what a customer prefers",
    Action.EXPORT_CUSTOMER: "export what is kept of a customer",
    Action.EXPORT_MEASURES: "export measures",
    Action.PAUSE: "pause and resume",
    Action.SUPPRESS: "suppress addresses",
    Action.TEST_CHANNEL: "send test messages",
    Action.TRY_RULES: "try rules out",
    Action.PROPOSE_RULES: "change rules",
    Action.RELEASE: "release what was held",
    Action.ERASE_CUSTOMER: "erase customers",
    Action.MANAGE_PEOPLE: "let people in",
    Action.MANAGE_KEYS: "make and revoke keys",
    Action.READ_AUDIT: "read what was changed",
}


class Grant(StrEnum):
    """What a role is given of an action."""

    NO = "no"
    YES = "yes"
    OF_OTHERS = "of-others"  # only what somebody else proposed: two people stand behind it

    @property
    def words(self) -> str:
        """The same for people."""
        return self.value.replace("-", " ")


NO, YES, OF_OTHERS = Grant.NO, Grant.YES, Grant.OF_OTHERS

_TABLE = {
    #                         read-only  operator  approver   admin
    Action.OWN_ACCOUNT:      (YES,       YES,      YES,       YES),
    Action.SEE:              (YES,       YES,      YES,       YES),
    Action.LOG_CONTACT:      (NO,        YES,      YES,       YES),
    Action.CORRECT_ORDER:    (NO,        YES,      YES,       YES),
    Action.DO_TASK:          (NO,        YES,      YES,       YES),
    Action.STEER_MESSAGE:    (NO,        YES,      YES,       YES),
    Action.SET_PREFERENCE:   (NO,        YES,      YES,       YES),
    Action.EXPORT_CUSTOMER:  (NO,        YES,      YES,       YES),
    Action.EXPORT_MEASURES:  (YES,       YES,      YES,       YES),
    Action.PAUSE:            (NO,        YES,      YES,       YES),
    Action.SUPPRESS:         (NO,        YES,      YES,       YES),
    Action.TEST_CHANNEL:     (NO,        YES,      YES,       YES),
    Action.TRY_RULES:        (YES,       YES,      YES,       YES),
    Action.PROPOSE_RULES:    (NO,        YES,      YES,       YES),
    Action.RELEASE:          (NO,        NO,       OF_OTHERS, OF_OTHERS),
    Action.ERASE_CUSTOMER:   (NO,        NO,       YES,       YES),
    Action.MANAGE_PEOPLE:    (NO,        NO,       NO,        YES),
    Action.MANAGE_KEYS:      (NO,        NO,       NO,        YES),
    Action.READ_AUDIT:       (NO,        NO,       YES,       YES),
}  # fmt: skip

GRANTS: Mapping[tuple[Role, Action], Grant] = MappingProxyType(
    {(role, action): grant for action, row in _TABLE.items() for role, grant in zip(Role, row, strict=True)}
)


def granted(action: Action) -> tuple[Grant, ...]:
    """What each role is given of an action, in their order."""
    return tuple(GRANTS[role, action] for role in Role)


WHOLE_HOUSE = frozenset(
    {
        Action.EXPORT_MEASURES,
        Action.SUPPRESS,
        Action.TEST_CHANNEL,
        Action.PROPOSE_RULES,
        Action.RELEASE,
        Action.MANAGE_PEOPLE,
        Action.MANAGE_KEYS,
        Action.READ_AUDIT,
    }
)
"""What touches every location and brand at once, so that nobody limited to some of them may."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who is signed in; no locations and no brands means: all of them."""

    person: int
    name: str
    email: str
    role: Role
    locations: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()

    @property
    def is_limited(self) -> bool:
        """May they see only some locations or brands?"""
        return bool(self.locations or self.brands)

    @property
    def source(self) -> str:
        """The ``source`` of the events that are heard because of what they did."""
        return f"people/{self.person}"

    def may(self, action: Action, *, proposed_by: int | None = None) -> bool:
        """May they do that, with something that this person proposed (``None``: nobody who is known here)?"""
        grant = GRANTS[self.role, action]
        if action in WHOLE_HOUSE and self.is_limited:
            return False
        return grant is YES or (grant is OF_OTHERS and proposed_by != self.person)

    def sees(self, location: str, brand: str = "") -> bool:
        """Is an order of this location and brand one of theirs?"""
        return (not self.locations or location in self.locations) and (
            not self.brands or brand in self.brands
        )
