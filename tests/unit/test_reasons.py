"""A reason is a value: a code that programs ask for, and a sentence that people read."""

import copy
import json
import pickle
from collections import Counter
from dataclasses import replace

import pytest

from orchestrator.ledger.rows import notification, to_json, written
from orchestrator.reasons import NOTHING, UNREACHABLE, Code, Reason, all_of, due, sending, unsaid
from orchestrator.reasons.codes import SECTIONS
from orchestrator.reasons.recognised import foreseen, kept, recognised
from tests.contracts.ledger import note

OLD = [  # as versions before schema 0019 wrote them
    ("replaced: arrived was promised for 2026-03-12; unreachable: it came back", Code.REPLACED),
    ("no channel in time: sms: not before Fri 2026-03-13 08:00, quiet hours", Code.NO_CHANNEL),
    ("shadow: the rule is on trial; it would have said this by sms", Code.ON_TRIAL),
    ("frozen: changed rules that would change it wait for a person (`beforehand plan`)", Code.FROZEN),
    ("held: 'colour' is undefined", Code.PARKED),
    ("on the list of tasks only: email: unreachable: no address for email", Code.ON_THE_LIST),
    ("no longer asked for; next of this rule: arrived is promised for 2026-03-19", Code.LATER),
    ("arrived happened on Thu; the rule counts only since Thu 2026-03-12 10:05", Code.RULE_NEWER),
    ("250 ok; it carried the line app", Code.CARRIED),
    (
        "the customer withdrew consent for sms on 2026-03-11; unreachable: no address for email",
        Code.NO_ADDRESS,
    ),
    ("unreachable: nothing is sent to this address by sms any more: 21610", Code.ADDRESS_STOPPED),
    ("unreachable: nothing is known about customer 'C-1'", Code.NOBODY_THERE),
    ("unreachable: the customer wants to hear by push only", Code.NOT_LISTED),
    ("unreachable: 3 a day is the most; it is useless before there is room", Code.NO_ROOM),
    ("too late: useless", Code.TOO_LATE),
    ("too late: useful only until Thu 2026-03-12 17:20", Code.TOO_LATE),
    ("too late: useful only until Thu 2026-03-12 17:20; rule arrived is paused: rain", Code.RULE_PAUSED),
    ("too late: useful only until Thu 17:20; unreachable: channel sms is paused: 535", Code.WAITED_IN_VAIN),
    ("may have been said at Thu 11:00; not repeated because the customer was erased", Code.NOT_REPEATED),
    (
        "may have been said at Thu 11:00; not repeated because unreachable: no address for sms",
        Code.NO_ADDRESS,
    ),
    ("channel sms is left alone: 5 failures in a row, the last: 503", Code.CHANNEL_ALONE),
    ("channel email is at its rate for one sender (14/s)", Code.CHANNEL_FULL),
    ("everything is paused: a drill", Code.EVERYTHING_PAUSED),
    ("kept: arrived happened on Tue 2026-03-17 10:50, before the deadline Tue 2026-03-17 17:30", Code.KEPT),
    ("there is no evidence of the customer's consent to marketing by email", Code.REFUSED),
    ("the owner wants to hear nothing by sms", Code.REFUSED),
    ("Nora Brandt acknowledged the task", Code.ANSWERED),
    ("nobody can say whether order.attributes.model holds: it is missing", Code.CONDITION_UNKNOWN),
    ("550 5.1.1 no such mailbox", Code.NONE),
]


@pytest.mark.parametrize(("sentence", "code"), OLD)
def test_a_sentence_of_before_is_recognised(sentence: str, code: Code) -> None:
    assert (recognised(sentence).code, str(kept("", sentence))) == (code, sentence)


TODAY = [
    unsaid.ERASED,
    unsaid.OFF,
    unsaid.GONE,
    unsaid.COMPLETE,
    unsaid.OVERTAKEN,
    unsaid.REPEATED,
    unsaid.EXHAUSTED,
    unsaid.CORRECTED,
    unsaid.UNTOLD,
    unsaid.OWNER_TELLS,
    unsaid.SPENT_MISSED,
    *unsaid.SWITCHED.values(),
    unsaid.order_unknown("O-1"),
    unsaid.no_journey("x", "near"),
    unsaid.order_held("Mon", "bank"),
    unsaid.order_cancelled("Mon", ""),
    unsaid.nobody("co-buyer"),
    unsaid.newer("x happened", "Mon"),
    unsaid.condition_false("a > b"),
    unsaid.condition_unknown("a > b", "no a"),
    unsaid.replaced("x"),
    unsaid.later("x"),
    unsaid.news_first("moved", "Mon"),
    unsaid.not_happened("arrived"),
    unsaid.no_event("x.y"),
    unsaid.happened("arrived", "Mon"),
    unsaid.overtaken("prepared", "Mon"),
    unsaid.no_promise("arrived"),
    unsaid.never_told("arrived"),
    unsaid.promise_past("arrived", "2026-03-12", "Mon"),
    unsaid.known("arrived", "x"),
    unsaid.overdue("arrived", "late"),
    unsaid.moved_little("arrived", "2026-03-12", "1d"),
    unsaid.arrived("sms", "delivered", "Mon"),
    unsaid.taken_over("Nora Brandt", "Mon"),
    unsaid.answered("the owner", done=True),
    unsaid.no_channel(["sms: never"]),
    *(sending.paused(kind, "x", "rain") for kind in ("location", "rule", "channel")),
    sending.left_alone("sms", "503"),
    sending.busy("sms"),
    sending.undecided("no day"),
    sending.parked("no text"),
    sending.not_due("Mon 2026"),
    sending.not_before("sms", "Mon", "hours"),
    sending.on_trial("sms"),
    sending.active(" (app)", "Mon"),
    sending.no_address("sms"),
    sending.no_other_way("sms"),
    sending.not_allowed("sms"),
    sending.came_back(Code.CAME_BACK, "5.1.1"),
    sending.carried("app", NOTHING),
    sending.reported("550"),
    sending.together("O-2"),
    sending.on_the_list(""),
    sending.LEASE_OVER,
    sending.NEWS,
]


@pytest.mark.parametrize("reason", TODAY, ids=str)
def test_what_a_program_of_before_writes_beside_this_one_is_known_for_what_it_is(reason: Reason) -> None:
    read = recognised(str(reason))
    assert (read.code, read.about) == (reason.code, reason.about)


DUE = [
    due.reached("arrived", "Mon"),
    due.missed("arrived", "2026-03-12", "Thu", "2026-03-12T17:30+00:00"),
    due.after("3d", "ordered", "Mon"),
    due.stuck("21d", "ordered", "Mon"),
    due.silent("the order came", "Mon", "14d"),
    due.ignored("owner", "call", "Mon"),
    due.unheard("push", "Mon", "opened", "2h"),
    due.upcoming("arrived", "Mon"),
    due.moved("arrived", "a", "b"),
    due.retracted("arrived", "Mon", "customer"),
    due.missed_on_hold("arrived", "Mon"),
    due.lost("sms", sending.came_back(Code.GIVEN_UP, "")),
]


@pytest.mark.parametrize("reason", DUE, ids=str)
def test_what_made_something_due_is_foreseen_from_an_old_sentence_too(reason: Reason) -> None:
    old, ahead = foreseen(str(reason)), due.AHEAD.get(reason.code, "")
    assert old.code is reason.code
    assert ahead.format_map(old.words) == ahead.format_map(reason.words)


def test_every_code_has_one_meaning() -> None:
    times = Counter(code for section in SECTIONS.values() for code in section)
    assert set(times) == set(Code) - {Code.NONE}
    assert set(times.values()) == {1}


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_is_as_much_of_a_reason(again: object) -> None:
    for reason in (sending.paused("rule", "arrived", "rain"), unsaid.OFF):
        other = again(reason)  # type: ignore[operator]
        assert (other, other.code, other.about) == (reason, reason.code, reason.about)


def test_what_is_said_besides_leaves_the_reason_what_it_is() -> None:
    reason = due.stuck("21d", "ordered", "Mon").also("no address").also("no number")
    assert reason == "nothing happened for 21d, since ordered on Mon; no address; no number"
    assert (reason.code, reason.words["more"]) == (Code.STUCK, "no address; no number")
    assert reason.by("again") == f"again: {reason}"


def test_of_several_reasons_the_one_counts_by_which_nobody_was_reached() -> None:
    both = all_of([sending.refused("no consent"), NOTHING, sending.no_address("sms")])
    assert (both, both.code) == ("no consent; unreachable: no address for sms", Code.NO_ADDRESS)
    assert all_of([]) is NOTHING


def test_what_may_have_been_said_is_a_persons_business_only_if_nobody_was_reached() -> None:
    assert sending.not_repeated("Mon", unsaid.ERASED).code is Code.NOT_REPEATED
    assert sending.not_repeated("Mon", sending.no_address("sms")).code in UNREACHABLE


def test_an_entry_of_before_reads_alike_and_is_foreseen_alike() -> None:
    wanted = note(because=due.missed("arrived", "2026-03-12", "Thu", "2026-03-12T17:30+00:00"))
    before = replace(wanted, because=str(wanted.because))
    assert "cause" not in json.loads(to_json(before))
    old, new = notification(to_json(before)), notification(written(wanted))
    assert old == new
    assert (old.because.code, old.because.words["by"]) == (Code.MISSED, new.because.words["by"])
