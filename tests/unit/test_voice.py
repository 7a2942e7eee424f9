"""Texts are heard before customers read them (scene 12): one good and one bad example for every code."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import rules
from orchestrator.errors import Problem
from orchestrator.journey import Policy, RuleBook
from orchestrator.render import Renderer, sms_text, voice, wording
from orchestrator.render import source as template_source
from orchestrator.render.codes import TEMPLATE_CODES
from orchestrator.render.plain import tidy
from orchestrator.render.preview import sample
from orchestrator.render.rehearse import Rehearsal
from orchestrator.render.review import ALLOWABLE, review
from orchestrator.render.sandbox import Sandbox
from tests.builders import COMPANY

ROOT = Path(__file__).parents[2]
CHANNELS = ("email", "sms", "push", "file", "memory")
JOURNEY = """\
version: 1
journey: car
milestones: [arrived, collected]
attributes: {model: text?, colour: text}
promises: {collected: arrived + 3bd}
rules:
  - {id: here, on: {reached: arrived}, say: here, tells: collected, channels: [sms, email]}
"""
TASK = """\
  - {id: call, on: {missed: arrived}, task: {for: owner, do: call, within: 2bh, then: manager}}
"""
LADDER = """\
  - id: late
    on: {missed: arrived}
    channels: [sms]
    rungs: [{say: late}, {after: 1d, say: later}]
"""
SMS = (
    "Hello {{ customer.greeting }}, your car is here. I will call you by {{ next_update.text }}. "
    "Just reply. {{ sender.name }}"
)
MAIL = """\
Subject: Your car is here

Hello {{ customer.greeting }},

your car is here. What happens next: you will hear from me by {{ next_update.text }}.
Just reply to this mail.

{{ sender.name }}
"""
GOOD = {"car/here/sms.txt.en.j2": SMS, "car/here/email.txt.en.j2": MAIL}
STAFF_SMS = "Please call {{ customer.name }} by {{ task.ack_by.time }}, then log the call."
STAFF_MAIL = """\
Subject: Call {{ customer.name }}

Please call {{ customer.name }} about order {{ order.id }} by {{ task.ack_by.text }}.
Why: {{ because }}
How to answer: record the call.
"""
STAFF = {"car/call/sms.txt.en.j2": STAFF_SMS, "car/call/email.txt.en.j2": STAFF_MAIL}


def found(folder: Path, files: Mapping[str, str], journey: str = JOURNEY, **company: str) -> list[Problem]:
    """What the review says of *files* under one journey; everything else about them is in order."""
    for name, text in files.items():
        path = folder / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    renderer = Renderer(folder / "templates", {**COMPANY, **company})
    assert renderer.problems() == []
    book, problems = rules.load({"rules/car.yaml": journey}, templates=renderer.names(), channels=CHANNELS)
    assert problems == []
    return review(renderer, book, complete=None)


def codes(problems: list[Problem]) -> list[str]:
    return [problem.code for problem in problems]


def changed(name: str, before: str, after: str, files: Mapping[str, str] = GOOD) -> dict[str, str]:
    assert before in files[name], before
    return {**files, name: files[name].replace(before, after)}


SMS_FILE, MAIL_FILE = GOOD
STAFF_SMS_FILE, STAFF_MAIL_FILE = STAFF


def test_what_is_said_well_has_no_finding(tmp_path: Path) -> None:
    assert found(tmp_path, {**GOOD, **STAFF}, JOURNEY + TASK) == []


SHARED_FILES = {name.replace("car/", "shared/"): text for name, text in GOOD.items()}


@pytest.mark.parametrize("say", ["here", "shared/here"])
@pytest.mark.parametrize("own", [(), (SMS_FILE,), (MAIL_FILE,)])
def test_what_check_lets_pass_can_be_said_also_where_journeys_share_the_text(
    tmp_path: Path, say: str, own: tuple[str, ...]
) -> None:
    if own and say != "here":
        return  # then it is refused: the journey's own comes first
    files = {**SHARED_FILES, **{name: GOOD[name] for name in own}}

    assert found(tmp_path, files, JOURNEY.replace("say: here", f"say: {say}")) == []

    renderer = Renderer(tmp_path / "templates", COMPANY)
    (rule,) = rules.load({"car.yaml": JOURNEY.replace("say: here", f"say: {say}")})[0].journeys["car"].rules
    assert all(renderer.said_by(f"car/{rule.rungs[0].say}", name) for name in rule.channels)


def test_a_shared_text_that_lacks_a_channel_is_missed_like_any_other(tmp_path: Path) -> None:
    problems = found(tmp_path, {name: text for name, text in SHARED_FILES.items() if "sms" in name})
    assert [(p.code, p.path) for p in problems] == [("T111", "templates/shared/here")]


MISSED = [
    ("T101", changed(SMS_FILE, " {{ customer.greeting }}", "")),
    ("T101", changed(MAIL_FILE, " {{ customer.greeting }}", "{% if customer %}{% endif %}")),
    ("T102", changed(MAIL_FILE, "What happens next: you will hear from me by", "Call:")),
    ("T102", changed(SMS_FILE, "I will call you by {{ next_update.text }}. ", "Questions? ")),
    ("T102", changed(SMS_FILE, "is here. I will call you by {{ next_update.text }}", "did not come today")),
    (
        "T102",
        changed(
            SMS_FILE, "is here. I will call you by {{ next_update.text }}", "was due {{ order.id }} today"
        ),
    ),
    ("T103", changed(MAIL_FILE, " by {{ next_update.text }}", "")),
    (
        "T103",
        changed(
            MAIL_FILE,
            "is here. What happens next: you will hear from me by {{ next_update.text }}",
            "was due today. You will hear from me",
        ),
    ),
    ("T104", changed(SMS_FILE, "{{ sender.name }}", "The Lindner team")),
    ("T105", changed(SMS_FILE, "Just reply. ", "")),
    ("T105", changed(MAIL_FILE, "Just reply to this mail.\n", "")),
    ("T106", changed(SMS_FILE, "Just reply.", "Ring {{ location.phone }}.")),
    ("T106", changed(SMS_FILE, "Just reply.", "Just reply, or see www.lindner.example/where.")),
    ("T106", changed(SMS_FILE, "Just reply.", "Just reply, or look into our portal.")),
    ("T106", changed(MAIL_FILE, "your car is here.", "your car is here. Track your car on the page.")),
    ("T106", changed(MAIL_FILE, "Just reply", "Just reply or ask our\ncustomer service or reply")),
    ("T106", {**GOOD, "car/here/email.html.en.j2": '<mj-text><a href="https://example.com">x</a></mj-text>'}),
    ("T107", changed(MAIL_FILE, "your car is here.", "We have our car and we are glad for us: ours.")),
    ("T108", changed(SMS_FILE, "your car is here.", "your car is here!!")),
    ("T108", changed(MAIL_FILE, "Subject: Your", "Subject: GREAT NEWS: your")),
    ("T109", changed(MAIL_FILE, "Hello", "Dear customer")),
    ("T109", changed(MAIL_FILE, "Just reply", "This is automatically generated. Just reply")),
    ("T113", changed(SMS_FILE, "your car", "your " + "very " * 30 + "new car")),
    ("T113", changed(SMS_FILE, "your car is here", "your car is here, and it drives on ☀ alone ")),
    ("T115", changed(MAIL_FILE, "\n\nHello", "\nAllow: T104\n\nHello")),
    ("T115", changed(MAIL_FILE, "\n\nHello", "\nAllow: T010 because it is not mine to mend\n\nHello")),
    ("T116", changed(MAIL_FILE, "\n\nHello", "\nAllow: T108 because the model is called ROADSTER\n\nHello")),
    ("T117", changed(SMS_FILE, "{{ sender.name }}", "{{ sender.name }}{{ (5 / 0) }}")),
    ("T125", changed(SMS_FILE, "your car is here.", "your car, due {{ promise.text }}, is here.")),
    ("T125", changed(MAIL_FILE, "Your car", "{{ owner.name }}: your car")),
    ("T125", changed(MAIL_FILE, "is here. What", "is here: {{ reason }}. What")),
    ("T125", changed(SMS_FILE, "your car is", "your {{ order.attributes.model }} is", GOOD)),
    (
        "T125",
        changed(
            MAIL_FILE, "is here. What", "is here{% if not promise %} {{ promise.text }}{% endif %}. What"
        ),
    ),
]
WHOLE = [
    ("is here. I will call you by {{ next_update.text }}", "comes today"),
    ("is here. I will call you by {{ next_update.text }}", "was not here. It comes today"),
    ("your car is here.", "your car{% if promise %}, due {{ promise.text }},{% endif %} is here."),
    ("your car is here.", "your car, due {{ promise.text or 'by now' }}, is here."),
    ("your car is here.", "your car, due {{ promise.text | default('by now', true) }}, is here."),
    ("your car is here.", "your {{ order.attributes.colour }} car is here."),
    ("your car is here.", "your car is here since {{ happened.text }}."),
]


@pytest.mark.parametrize(("before", "after"), WHOLE)
def test_a_text_that_asks_first_or_says_what_its_rule_makes_sure_of_has_no_hole(
    tmp_path: Path, before: str, after: str
) -> None:
    assert found(tmp_path, changed(SMS_FILE, before, after)) == []


def test_a_hole_is_told_at_its_place_with_what_to_ask(tmp_path: Path) -> None:
    (problem,) = found(
        tmp_path, changed(MAIL_FILE, "your car is here.", "your car, due {{ promise.text }}, is here.")
    )

    assert (problem.line, problem.column) == (5, 18)
    assert problem.message == (
        "a hole: 'promise.text' says nothing where it is not known, and the rule does not make sure of it"
    )
    assert problem.hint == "ask first: `{% if promise %}… {{ promise.text }}{% endif %}`"


@pytest.mark.parametrize(("code", "files"), MISSED, ids=[f"{c}-{n}" for n, (c, _) in enumerate(MISSED)])
def test_what_a_customer_would_miss_or_mind_is_found_once(
    tmp_path: Path, code: str, files: dict[str, str]
) -> None:
    problems = found(tmp_path, files)
    assert codes(problems) == [code]
    assert problems[0].line > 0
    assert problems[0].path.startswith("templates/car/here/")
    assert problems[0].hint


TASKED = [
    ("T120", changed(STAFF_SMS_FILE, STAFF_SMS, "{{ customer.name }} {{ task.ack_by.time }} log", STAFF)),
    ("T121", changed(STAFF_SMS_FILE, "{{ customer.name }}", "the customer", STAFF)),
    ("T122", changed(STAFF_MAIL_FILE, "{{ task.ack_by.text }}", "noon", STAFF)),
    ("T123", changed(STAFF_MAIL_FILE, "Why: {{ because }}\n", "", STAFF)),
    ("T124", changed(STAFF_SMS_FILE, ", then log the call", "", STAFF)),
]


@pytest.mark.parametrize(("code", "files"), TASKED, ids=[code for code, _ in TASKED])
def test_what_staff_would_miss_in_a_task_is_found_once(
    tmp_path: Path, code: str, files: dict[str, str]
) -> None:
    assert codes(found(tmp_path, {**GOOD, **files}, JOURNEY + TASK)) == [code]


def test_two_rungs_that_say_the_same_words_are_found_at_the_later_one(tmp_path: Path) -> None:
    again = {f"car/{name}/sms.txt.en.j2": SMS for name in ("late", "later")}
    problems = found(tmp_path, {**GOOD, **again}, JOURNEY + LADDER)
    assert [(p.code, p.path) for p in problems] == [("T110", "templates/car/later/sms.txt.en.j2")]
    other = {**again, "car/later/sms.txt.en.j2": SMS.replace("is here", "is still here")}
    assert found(tmp_path, {**GOOD, **other}, JOURNEY + LADDER) == []


def test_a_channel_that_a_rule_uses_and_nobody_wrote_is_found(tmp_path: Path) -> None:
    journey = JOURNEY.replace("[sms, email]", "[push, sms, email]")
    (problem,) = found(tmp_path, GOOD, journey)
    assert (problem.code, problem.path) == ("T111", "templates/car/here")
    assert "'here' says it by push" in problem.message
    assert "push.txt.en.j2" in problem.hint


def test_a_rule_without_channels_needs_those_of_the_policy(tmp_path: Path) -> None:
    assert codes(found(tmp_path, GOOD, JOURNEY.replace(", channels: [sms, email]", ""))) == ["T111"]


def test_a_rule_that_is_off_needs_no_channel(tmp_path: Path) -> None:
    assert found(tmp_path, GOOD, JOURNEY.replace("channels: [sms, email]", "mode: off")) == []


def test_a_language_that_others_speak_is_asked_of_every_channel(tmp_path: Path) -> None:
    german = {
        "car/here/sms.txt.de.j2": (
            "Guten Tag {{ customer.name }}, Ihr Auto ist da. Ich melde mich bis {{ next_update.text }}. "
            "Einfach antworten. {{ sender.name }}"
        )
    }
    (problem,) = found(tmp_path, {**GOOD, **german})
    assert (problem.code, problem.hint) == ("T112", "write email.txt.de.j2")


def test_the_language_of_customers_who_named_none_is_asked_of_every_channel_the_rules_use(
    tmp_path: Path,
) -> None:
    problems = found(tmp_path, GOOD, locale="fr-CA")
    assert sorted((p.code, p.hint) for p in problems) == [
        ("T112", "write email.txt.fr.j2"),
        ("T112", "write sms.txt.fr.j2"),
    ]
    assert found(tmp_path, GOOD, locale="en-GB") == []


def test_a_calendar_entry_of_a_milestone_that_the_journey_has_not_is_found(tmp_path: Path) -> None:
    (problem,) = found(tmp_path, changed(MAIL_FILE, "here\n\n", "here\nCalendar: invite colected\n\n"))
    assert (problem.code, problem.line, problem.hint) == ("T011", 2, "did you mean 'collected'?")
    assert found(tmp_path, changed(MAIL_FILE, "here\n\n", "here\nCalendar: invite collected\n\n")) == []


def test_a_text_that_declares_another_purpose_than_its_rule_is_found(tmp_path: Path) -> None:
    (problem,) = found(tmp_path, changed(MAIL_FILE, "here\n\n", "here\nPurpose: marketing\n\n"))
    assert (problem.code, problem.line) == ("T021", 2)
    assert problem.message.endswith("says it as service, and it declares marketing")
    assert found(tmp_path, changed(MAIL_FILE, "here\n\n", "here\nPurpose: service\n\n")) == []


def test_a_text_that_names_one_order_where_the_rule_gathers_several_is_found(tmp_path: Path) -> None:
    combines = JOURNEY.replace("say: here,", "say: here, combine: 2h,")
    problems = found(tmp_path, GOOD, combines)
    assert [(problem.code, problem.path.rpartition("/")[2]) for problem in problems] == [
        ("T045", "email.txt.en.j2"), ("T045", "sms.txt.en.j2"),
    ]  # fmt: skip

    several = "{% for one in orders %}{{ one.id }} {% endfor %}"
    listed = {
        name: text.replace("your car is here", f"your cars are here: {several}")
        for name, text in GOOD.items()
    }
    assert found(tmp_path, listed, combines) == []


def test_a_template_that_no_rule_says_is_found_unless_it_is_shared(tmp_path: Path) -> None:
    unused = {"car/gone/sms.txt.en.j2": SMS.replace("is here", "was here"), "shared/kept/sms.txt.en.j2": SMS}
    problems = found(tmp_path, {**GOOD, **unused})
    assert [(p.code, p.path) for p in problems] == [("T114", "templates/car/gone")]


def test_templates_of_journeys_whose_rules_were_not_all_read_are_not_called_unused(tmp_path: Path) -> None:
    found(tmp_path, GOOD)
    renderer = Renderer(tmp_path / "templates", COMPANY)
    assert codes(review(renderer, RuleBook(), complete=None)) == ["T114"]
    assert codes(review(renderer, RuleBook(), complete={"car"})) == ["T114"]
    assert review(renderer, RuleBook(), complete={"kitchen"}) == []


def test_a_text_of_another_journey_is_not_tried_with_facts_it_does_not_know(tmp_path: Path) -> None:
    found(tmp_path, changed(SMS_FILE, "your car", "{% if promises.arrived %}your{% endif %} car"))
    kitchen = JOURNEY.replace("journey: car", "journey: kitchen").replace("arrived", "delivered")
    book, _ = rules.load({"rules/kitchen.yaml": kitchen})
    assert review(Renderer(tmp_path / "templates", COMPANY), book, complete={"kitchen"}) == []


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ('{{ »order.attributes.frnt | default("car") }}', "did you mean 'front'?"),
        ("{{ »order.attributes['frnt'] }}", "did you mean 'front'?"),
        ("{% if »promises.arived %}soon{% endif %}", "did you mean 'arrived'?"),
        ("{{ »order.attributes.zzz }}", "write `zzz: text?` below `attributes:` of the journey"),
        ("{{ »promises.zzz }}", "there is: arrived, collected"),
    ],
)
def test_what_the_journey_does_not_declare_is_found_in_its_texts(
    tmp_path: Path, said: str, hint: str
) -> None:
    journey = JOURNEY.replace("attributes: {", "attributes: {front: text?, ")
    right = "{{ order.attributes.front or '' }}{{ order.attributes.get('x') }}"
    right += "{# promises.x #} order.attributes.x "
    before = f"your car is here. {right}"
    files = changed(MAIL_FILE, "your car is here. ", f"{before}{said.replace('»', '')} ")
    (problem,) = found(tmp_path, files, journey)
    column = len(before) + said.index("»") + 1
    assert (problem.code, problem.line, problem.column, problem.hint) == ("T011", 5, column, hint)


def test_an_allowance_with_a_reason_overrules_a_finding_of_its_file_only(tmp_path: Path) -> None:
    files = changed(SMS_FILE, "{{ sender.name }}", "The Lindner team")
    files[SMS_FILE] = "Allow: T104 because the law office wants this wording\n\n" + files[SMS_FILE]
    assert found(tmp_path, files) == []
    files = changed(MAIL_FILE, "{{ sender.name }}", "The Lindner team", files)
    assert [(p.code, p.path) for p in found(tmp_path, files)] == [("T104", f"templates/{MAIL_FILE}")]


def test_an_allowance_is_not_printed(tmp_path: Path) -> None:
    files = {SMS_FILE: "Allow: T105 because they cannot answer an SMS there\n\n" + SMS, MAIL_FILE: MAIL}
    assert codes(found(tmp_path, files)) == ["T116"]
    book, _ = rules.load({"rules/car.yaml": JOURNEY})
    facts = sample(book.journeys["car"], "car/here")
    words = wording.context(
        facts.notification, facts.order, facts.customer, book.journeys["car"], book.policy, facts.now, COMPANY
    )
    text = Renderer(tmp_path / "templates", COMPANY).render("car/here", "sms", "en", words).text
    assert text.startswith("Hello Maria, your car is here.")


def test_an_allowance_may_overrule_what_is_wrong_with_the_whole_template(tmp_path: Path) -> None:
    journey = JOURNEY.replace("[sms, email]", "[push, sms, email]")
    files = changed(MAIL_FILE, "\n\nHello", "\nAllow: T111 because nobody has our app yet\n\nHello")
    assert found(tmp_path, files, journey) == []


def test_a_word_in_a_branch_that_samples_never_take_is_found_on_its_line(tmp_path: Path) -> None:
    text = MAIL.replace("Just reply", "{% if apologies > 40 %}\nAsk our hotline.\n{% endif %}\nJust reply")
    (problem,) = found(tmp_path, {**GOOD, MAIL_FILE: text})
    assert (problem.code, problem.line, problem.column) == ("T106", 7, 9)
    assert problem.source == "Ask our hotline."


def test_a_word_in_a_shared_piece_is_found_there_once(tmp_path: Path) -> None:
    files = {
        **changed(MAIL_FILE, "Just reply", '{% include "shared/end.txt" %}\nJust reply'),
        SMS_FILE: SMS + '{% include "shared/end.txt" %}',
        "shared/end.txt.en.j2": "Do not reply.",
    }
    assert [(p.code, p.path) for p in found(tmp_path, files)] == [("T109", "templates/shared/end.txt.en.j2")]


def test_a_language_without_a_list_of_words_is_asked_for_what_needs_none(tmp_path: Path) -> None:
    files = {"car/here/sms.txt.nl.j2": "Uw auto is er. {{ sender.name }}"}
    journey = JOURNEY.replace("[sms, email]", "[sms]")
    assert codes(found(tmp_path, files, journey, locale="nl")) == ["T101", "T102"]


def test_words_to_another_reader_need_no_greeting_but_no_machine_either(tmp_path: Path) -> None:
    journey = JOURNEY.replace("say: here", "say: here, to: neighbour")
    files = {
        name: re.sub(" {{ customer.greeting }}|{{ sender.name }}", "", text) for name, text in GOOD.items()
    }
    assert found(tmp_path, files, journey) == []
    files[SMS_FILE] += " Do not reply."
    assert codes(found(tmp_path, files, journey)) == ["T109"]


def test_how_often_a_text_speaks_of_us_is_told_in_words(tmp_path: Path) -> None:
    once = changed(SMS_FILE, "your car is here. I will call you", "our car is here. I will call")
    assert [p.message for p in found(tmp_path, once)] == [
        "it is about us (once) more than about the reader (never)"
    ]


# ── the words ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("locale", [path.stem for path in voice.VOICES.glob("*.toml")])
def test_every_language_has_the_same_lists_and_every_phrase_a_reason(locale: str) -> None:
    known = voice.words(locale)
    assert known is not None
    assert list(known) == [
        "you",
        "we",
        "next",
        "date",
        "today",
        "over",
        "reply",
        "elsewhere",
        "machine",
        "answer",
    ]
    for listed in known.values():
        assert all(reason.strip() for reason in listed.each.values())
        for pattern in listed.each:
            plain = re.sub(r"\(\?i:|\)$|\\w\*|\\", "", pattern.replace(r"\s+", " "))
            assert listed.reason(plain), plain


def test_a_country_listens_as_its_language_does() -> None:
    assert voice.words("de-AT") == voice.words("de")
    assert voice.words("nl") is None
    assert voice.words("") is None


def test_a_phrase_ends_where_a_word_ends_and_a_capital_means_itself() -> None:
    listed = voice.phrases({"Sie": "the reader", "unser*": "us", "do not reply": "no"})
    assert listed.every.findall("Sie sehen, dass sie unsere Siegel sieht.") == ["Sie", "unsere"]
    assert listed.reason("DO NOT\nREPLY") == "no"


# ── saying a text with sample facts ──────────────────────────────────────────


def shipped() -> list[tuple[str, str, str]]:
    renderer = Renderer(ROOT / "templates", COMPANY)
    return [
        (name, channel, locale)
        for name in sorted(renderer.names())
        for channel, locales in sorted(renderer.channels_of(name).items())
        for locale in sorted(locales)
    ]


def test_a_rehearsal_says_what_the_renderer_prints_of_every_text_we_ship() -> None:
    renderer = Renderer(ROOT / "templates", COMPANY)
    book, _ = rules.load(rules.read(ROOT / "rules"), policy=Policy(time_zone="Europe/Berlin"))
    rehearsal = Rehearsal(renderer.text_env)
    for name, channel, locale in shipped():
        journey = book.journeys.get(name.partition("/")[0]) or next(iter(book.journeys.values()))
        facts = sample(journey, name, locale)
        words = wording.context(
            facts.notification, facts.order, facts.customer, journey, book.policy, facts.now, COMPANY
        )
        path = f"{name}/{channel}.txt.{locale}.j2"
        body = template_source.headers(renderer.files[path])[1]
        said = rehearsal.say(renderer.pieces(body, path, locale), words)
        assert said is not None, path
        said = sms_text.plain(tidy(said)) if channel == "sms" else tidy(said)
        assert said == renderer.render(name, channel, locale, words).text, path


JINJA = Sandbox(autoescape=False)
PARTS = st.recursive(
    st.sampled_from(
        [
            "a ",
            "b\n",
            "{{ x }}",
            "{{ x ~ 1 }}",
            "{{ y | upper }}",
            "{% set x = 'new' %}",
            "{# no #}",
            "{{ x | default('d', true) }}",
            "{{ nobody | default(y) }}",
            "{{ x or y and not x }}",
            "{{ x if y == 'q' else (x, y) }}",
            "{{ x.upper() }}",
            "{{ (x ~ y)[:1] }}",
            "{{ 1 < 2 < 3 }}",
            "{{ 'a' in x }}",
            "{{ x | replace('p', y) | upper }}",
            "{{ x | default(default_value='d') }}",
            "{{ [x] }}",
        ]
    ),
    lambda inner: (
        st.builds(
            lambda test, yes, other, no: (
                f"{{% if {test} %}}{yes}{{% elif {other} %}}{no}{{% else %}}{no}{{% endif %}}"
            ),
            st.sampled_from(["x", "not x", "true", "y == 'q'", "false or x", "x >= y", "nobody is defined"]),
            inner,
            st.sampled_from(["y", "x == 'new'"]),
            inner,
        )
        | st.lists(inner, max_size=3).map("".join)
    ),
    max_leaves=8,
)


@given(PARTS, st.sampled_from(["", "p"]), st.sampled_from(["", "q"]))
def test_a_rehearsal_is_what_jinja_prints(text: str, x: str, y: str) -> None:
    pieces = template_source.cut(text, "t", JINJA)
    printed = JINJA.from_string(template_source.assemble(pieces).source).render(x=x, y=y)
    assert Rehearsal(JINJA).say(pieces, {"x": x, "y": y}) == printed


@pytest.mark.parametrize(
    "text", ["{% for a in [1] %}{{ a }}{% endfor %}", "{{ nobody }}", "{{ 1 / 0 }}", "{% raw %}x{% endraw %}"]
)
def test_what_a_rehearsal_cannot_tell_is_left_to_jinja(text: str) -> None:
    assert Rehearsal(JINJA).say(template_source.cut(text, "t", JINJA), {}) is None


# ── what we ship, and the registry ───────────────────────────────────────────


def test_the_texts_we_ship_have_no_finding() -> None:
    renderer = Renderer(ROOT / "templates", COMPANY)
    book, _ = rules.load(rules.read(ROOT / "rules"), templates=renderer.names(), channels=CHANNELS)
    assert review(renderer, book, complete=None) == []


def test_every_code_of_the_review_has_an_example() -> None:
    shown = {code for code, _ in MISSED + TASKED} | {"T110", "T111", "T112", "T114"}
    heard = {code for code in TEMPLATE_CODES if code.startswith("T1")}
    assert shown == heard
    assert heard - {"T115", "T116", "T117"} == ALLOWABLE


def test_what_an_sms_costs_is_said_in_words() -> None:
    assert sms_text.cost("x" * 143) == "1 SMS (GSM-7, 143 of 160)"
    assert sms_text.cost("x" * 161) == "2 SMS (GSM-7, 161 of 306)"
    assert sms_text.cost("☀" * 71) == "2 SMS (UCS-2, 71 of 134)"
    assert sms_text.beyond_gsm("☀ und ☀ €") == "☀"
