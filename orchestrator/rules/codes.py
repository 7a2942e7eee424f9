"""Every code a problem with a rule file may carry (docs/reference/codes.md is made of these)."""

from collections.abc import Mapping

from orchestrator.findings import Code

RULE_CODES: Mapping[str, Code] = {
    # ── the file
    "R001": Code(
        "not UTF-8",
        "The file holds bytes that are not UTF-8 text.",
        "Save the file as UTF-8.",
    ),
    "R002": Code(
        "too large",
        "The file is larger than a million characters.",
        "Split it: one journey a file.",
    ),
    "R003": Code(
        "not YAML",
        "The file cannot be read as one YAML 1.2 document. Reading stops at the first such place.",
        "Check indentation (spaces, no tabs), quotes and brackets just before the place.",
    ),
    "R004": Code(
        "empty",
        "There is nothing in the file.",
        "Start with `version: 1` and `journey: …`, or remove it.",
    ),
    "R005": Code(
        "alias or anchor",
        (
            "`*name` and `&name` are refused: a rule should be readable where it stands, and a few "
            "aliases can unfold into gigabytes."
        ),
        "Write the value out.",
    ),
    "R006": Code(
        "tag",
        "`!tag` asks the reader to build something else than data.",
        "Remove the tag.",
    ),
    "R007": Code(
        "key twice",
        "A mapping has the same key twice; one would silently win.",
        "Remove one of them.",
    ),
    "R008": Code(
        "nested too deep",
        "Brackets or indentation go deeper than any rule needs.",
        "Flatten it.",
    ),
    "R009": Code(
        "unknown version",
        "The file's format is not one this program knows.",
        "Write `version: 1`.",
    ),
    # ── keys, values and names
    "R010": Code(
        "unknown key",
        "This key has no meaning here, so it would be ignored.",
        "Correct or remove it.",
    ),
    "R011": Code(
        "missing key",
        "Something that must be said is not.",
        "Add the key that is named.",
    ),
    "R012": Code(
        "unknown channel",
        "No channel of that name is configured.",
        "Correct the name, or configure the channel in config.toml.",
    ),
    "R013": Code(
        "wrong kind of value",
        "Another kind of value is expected here.",
        "Write the kind that is named.",
    ),
    "R014": Code(
        "unknown milestone",
        "The journey declares no milestone of that name.",
        "Correct the name, or add it to the phases.",
    ),
    "R015": Code(
        "unknown template",
        "There is no templates/<journey>/<name> and no templates/shared/<name>. A task needs no text of its "
        "own, but its name must not be nearly that of one.",
        "Correct the name, or write the template at the path that the hint names.",
    ),
    "R016": Code(
        "no such trigger",
        "`on:` names no trigger.",
        "See docs/reference/triggers.md.",
    ),
    "R017": Code(
        "two triggers",
        "A rule has one trigger, so that its occasions are clear.",
        "Write two rules.",
    ),
    "R018": Code(
        "does not belong together",
        "A parameter belongs to another trigger, or two keys exclude each other.",
        "Remove one; docs/reference/triggers.md lists what each trigger takes.",
    ),
    "R019": Code(
        "unknown word",
        "Only some words are possible here; or an event's type is nearly one of the core types, and would "
        "never come.",
        "Choose one of those the hint names.",
    ),
    "R020": Code(
        "not a duration",
        (
            "A length of time is whole numbers with w, d, h, m, s, bd or bh, at most a hundred years, "
            "never negative."
        ),
        "Write for example 15m, 6h, 2d, 3bd, 4bh or 1d12h.",
    ),
    "R021": Code(
        "months are not durations",
        "A month has 28 to 31 days, so no two people would count it alike.",
        "Count days or weeks: 30d, 4w, 52w.",
    ),
    "R022": Code(
        "not a time",
        "A local time is hours and minutes from 00:00 to 23:59.",
        "Write for example 17:30.",
    ),
    "R023": Code(
        "not hours",
        "Hours run from one time to a later one of the same day.",
        "Write 08:00-20:00.",
    ),
    "R024": Code(
        "not a name",
        (
            "Names are made of letters, digits, '-', '_' and '.' (attributes: letters, digits and '_', "
            "because conditions use them); `any` means every milestone."
        ),
        "Choose such a name.",
    ),
    "R025": Code(
        "id twice",
        "A rule or journey of that name exists already, perhaps in another file. The first one counts.",
        "Rename or remove one.",
    ),
    "R026": Code(
        "milestone twice",
        "A milestone stands once on the path.",
        "Remove or rename one.",
    ),
    "R027": Code(
        "role looks misspelt",
        (
            "Any word but customer, owner and manager names a party of the order; this one is nearly one "
            "of the three."
        ),
        "Correct it, or give the party another name.",
    ),
    "R028": Code(
        "not a relative promise",
        "A journey's promise is a milestone plus a duration.",
        "Write for example `prepared: arrived + 3bd`.",
    ),
    "R029": Code(
        "circle of promises",
        "Each waits for the other, so none would ever be due.",
        "Break the circle.",
    ),
    # ── conditions
    "R030": Code(
        "condition: syntax",
        "The condition cannot be read.",
        "Compare with ==, join with && and ||, negate with !.",
    ),
    "R031": Code(
        "condition: types",
        "The two sides cannot be compared or combined: a text is not a number, a duration is not a text.",
        'Compare like with like: late_by > duration("2h").',
    ),
    "R032": Code(
        "condition: unknown name",
        "No field or function of that name; the fields are listed in docs/reference/triggers.md.",
        "Correct the name, or declare the attribute in the journey.",
    ),
    "R033": Code(
        "condition: no decision",
        "The condition's answer is not true or false.",
        "Compare it with something.",
    ),
    "R034": Code(
        "condition: has()",
        (
            "has() looks into mappings only (customer.attributes.x, event.data.x). A missing value makes "
            "a condition unknown anyway, and its rule does not fire."
        ),
        "Leave it out, or write order.has.x to ask whether an attribute is given.",
    ),
    "R035": Code(
        "condition: too large",
        "Longer than 4,000 characters, or nested more than 32 deep.",
        "Split the rule.",
    ),
    "R036": Code(
        "condition: unusable literal",
        "A duration, moment, time zone or regular expression in quotes can never be read.",
        'Durations in conditions know h, m and s: duration("48h").',
    ),
    "R037": Code(
        "condition: no such value",
        "The field knows a few words only and this is none of them, so the comparison has one answer for "
        "ever.",
        "Write one of the words the hint names. That an order is complete is no status: rules about waiting "
        "end with it by themselves.",
    ),
    "R038": Code(
        "condition: never known here",
        "The field has no value under this rule's trigger, and a condition that needs a missing value is "
        "unknown: the rule would not fire.",
        "Ask for something else, or write a rule with the trigger that the hint names.",
    ),
    # ── what is said, and the rungs
    "R040": Code(
        "nothing to do",
        "Nothing is said and nobody is tasked.",
        "Add `say:` or `task:`.",
    ),
    "R041": Code(
        "no rungs here",
        "Rungs go on when silence goes on: after missed, stuck or silent.",
        "Write one rule for each message.",
    ),
    "R042": Code(
        "first rung waits",
        "The first rung is due at the trigger.",
        "Remove `after`, `every`, `at_most`.",
    ),
    "R043": Code(
        "rung without a time",
        "Each later rung says when it is due.",
        "Add `after:` or `every:`.",
    ),
    "R044": Code(
        "rungs do not advance",
        "`after` counts from the first rung and must grow; `every` must wait.",
        "Write a longer duration.",
    ),
    "R045": Code(
        "at_most alone",
        "`at_most` limits `every`; a rung with `after` comes once.",
        "Remove it.",
    ),
    "R046": Code(
        "every before the end",
        "What follows a rung that repeats would never come.",
        "Move it to the end.",
    ),
    "R047": Code(
        "tells without a message",
        "A promise is told by a message.",
        "Add `say:`, or remove `tells:`.",
    ),
    "R048": Code(
        "after and every",
        "A rung is due once, or again and again.",
        "Keep one of them.",
    ),
    "R049": Code(
        "no time at all",
        "A silence, a standstill or a deadline of no length is over as soon as it begins; so is the time in "
        "which a message is useful.",
        "Write how long: 14d, 3bd, 6h. `reached` is due at once.",
    ),
    "R060": Code(
        "no channel, or one twice",
        "An empty list would mean the company's usual channels, and a channel that failed is not tried again "
        "for standing there twice.",
        "Name each channel once; leave `channels:` out for the usual ones.",
    ),
    "R061": Code(
        "combine without a message",
        "Messages about several orders may leave as one; tasks are each their own.",
        "Add `say:`, or remove `combine:`.",
    ),
    "R062": Code(
        "nobody to tell, or one twice",
        "Everybody a rule speaks to hears it once.",
        "Name each reader once; leave `to:` out for the customer.",
    ),
    "R063": Code(
        "`until` and `fallback_after` belong together",
        "`until` says how far a message must get, `fallback_after` how long that may take before the next "
        "channel is tried. One of them alone says nothing.",
        "Write both, or neither: what comes back goes by the next channel in any case.",
    ),
    "R064": Code(
        "fallback without a message",
        "A message may go by another channel; a task stands on its list whatever became of its mail.",
        "Add `say:`, or remove `until:` and `fallback_after:`.",
    ),
    "R065": Code(
        "no rules",
        "The folder holds no rule: whatever happens, nobody is told and nobody gets a task.",
        "Look whether it is the right folder and its files end in `.yaml`, or begin with `beforehand init`.",
    ),
    # ── rules that can be read and are in vain
    "R050": Code(
        "condition decides nothing",
        "The condition's answer is the same whatever is known about the order.",
        "Leave it out, or compare a field; `mode: off` keeps a rule that should rest.",
    ),
    "R051": Code(
        "after the end",
        "An order is complete with the milestone that `closes` names (else the last one), and then it is "
        "never stuck.",
        "Let another milestone close the journey, or use `after:`.",
    ),
    "R052": Code(
        "never leaves",
        "Between the moment the rule is due and the moment its message is useless there is none at which it "
        "may leave: the hours of the journey or the rule, the rule's own time, the quiet hours of policy, "
        "the hours of the law where the company is, and the opening hours if the rule asks for them leave no "
        "room. Hours that a customer chose are not looked at.",
        "Give `within` longer, or choose another time.",
    ),
    "R053": Code(
        "said twice",
        "Two rules have the same trigger, speak to the same person and say the same template, and no "
        "differing conditions keep them apart.",
        "Keep one of them.",
    ),
    "R055": Code(
        "nobody would say so",
        "The rule waits until a message was delivered or opened, and of one of its channels, which is not "
        "the last, nobody reports anything: neither the provider nor the company's own app. Such a message "
        "counts as well as it can once it is accepted, and the channels after it would never be tried.",
        'Put the channel last, or say in its settings what the app reports: `reported = "opened"`.',
    ),
    "R058": Code(
        "asks more than a channel tells",
        "The rule waits until a message was opened, and of one of its channels only delivery is reported, as "
        "of texts: there it could wait for no more than that.",
        "Say what is meant by each channel: `until: {push: opened, sms: delivered}`. That a provider of "
        'mails tracks opens, or an app reports them, is said in the settings: `reported = "opened"`.',
    ),
    "R056": Code(
        "gives up too late",
        "When the next channel's turn comes the message is useless already, so none is tried.",
        "Give `fallback_after` less, or `within` more.",
    ),
    "R054": Code(
        "waits too long for others",
        "A message is useless before the wait for what the rule says of other orders is over, so the wait is "
        "cut short.",
        "Give `combine` less, or `within` more.",
    ),
    "R057": Code(
        "edited twice",
        "The file was changed on the disk, and in the console too, each without the other. Neither is thrown "
        "away without a word: what is in force stays.",
        "`beforehand rules pull` writes the console's version beside the file, to bring the two together; "
        "`beforehand apply --files` takes the file and drops what was edited in the console.",
    ),
}
