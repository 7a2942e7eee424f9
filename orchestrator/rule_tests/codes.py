"""Every code a failed rule test, or a file of them, may carry (docs/reference/codes.md is made of these).

What cannot be read as YAML keeps its code of rule files, a fact that is refused that of events.
"""

from collections.abc import Mapping

from orchestrator.findings import Code

TEST_CODES: Mapping[str, Code] = {
    # ── a test failed
    "X001": Code(
        "expected and not said",
        "The rules did not say, or did not say so, what the test expects: another time, recipient, channel "
        "or text, or nothing at all. The reasons are the planner's own.",
        "Correct the rule, or the test if the rule is right.",
    ),
    "X002": Code(
        "said and not expected",
        "Something was said or tasked in the test's time that it does not expect.",
        "Add it under `expect:`, narrow the time with `from:` and `until:`, or write `only_these: false`.",
    ),
    "X003": Code(
        "said although never",
        "What stands under `never:` was said.",
        "Correct the rule, or the test if the rule is right.",
    ),
    "X004": Code(
        "said for another reason",
        "It was said as expected, but the reason does not contain the `why:` of the test.",
        "Read the reason that is shown: perhaps another rule said it.",
    ),
    "X005": Code(
        "not said for another reason",
        "It was not said, as the test wants, but none of the reasons contains its `why:`.",
        "Read the reasons that are shown: the test may hold by accident.",
    ),
    "X006": Code(
        "could not be decided",
        "The engine could not plan an order of this test, or could not write a message.",
        "Mend what the message names; `beforehand check` and `beforehand preview` help.",
    ),
    "X007": Code(
        "no such task or message",
        "A fact acknowledges a task that nobody had been given at that time, or says what became of a "
        "message that nobody had been sent.",
        "Correct the time or the name; what was given or said until then is listed.",
    ),
    # ── the file
    "X010": Code(
        "unknown key",
        "This key has no meaning here, so it would be ignored.",
        "Correct or remove it.",
    ),
    "X011": Code(
        "missing key",
        "Something that must be said is not.",
        "Add the key that is named.",
    ),
    "X012": Code(
        "unknown customer or order",
        "Facts and expectations name customers and orders of the same file.",
        "Correct the name, or describe it under `customers:` or `orders:`.",
    ),
    "X013": Code(
        "wrong kind of value",
        "Another kind of value is expected here.",
        "Write the kind that is named.",
    ),
    "X014": Code(
        "unknown milestone",
        "The order's journey declares no milestone of that name.",
        "Correct the name.",
    ),
    "X015": Code(
        "nobody says so",
        "No rule of the journey says this text or gives this task, so it could never be met.",
        "Correct the name, or write the rule.",
    ),
    "X016": Code(
        "unknown rule",
        "No rule has that id.",
        "Correct the name.",
    ),
    "X017": Code(
        "unknown type of event",
        "The type is nearly one that exists, and no rule listens to it.",
        "Correct the name.",
    ),
    "X018": Code(
        "unknown journey",
        "No rule file declares a journey of that name.",
        "Correct the name.",
    ),
    "X019": Code(
        "unknown word",
        "Only some words are possible here: channels, roles of the order, true and false.",
        "Choose one of those the hint names.",
    ),
    "X020": Code(
        "not a time",
        "Times are written as the clocks of the order's location read them.",
        "Write for example 2026-03-12 17:30, or Thu 2026-03-12 17:30.",
    ),
    "X021": Code(
        "a time that never is",
        "The calendar has no such day, the weekday is another, or the clocks skip this hour in spring.",
        "Correct the date or the time.",
    ),
    "X022": Code(
        "in the wrong order",
        "Something stands before what must come first: a fact after the end of its test, an expectation "
        "outside its time, hearing before happening.",
        "Correct one of the two times.",
    ),
    "X023": Code(
        "name twice",
        "Two tests of a file have the same name, so nobody knows which one failed.",
        "Rename one.",
    ),
    "X024": Code(
        "contradiction",
        "Two keys exclude each other.",
        "Keep one of them.",
    ),
}
