"""Templates become messages: strict, escaped, in the right language; every mistake has its place."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import NotFound, RenderError
from orchestrator.plain_text import one_line
from orchestrator.render import OUTPUT_LIMIT, Renderer
from orchestrator.render.codes import TEMPLATE_CODES
from orchestrator.render.sandbox import Sandbox
from orchestrator.render.source import assemble, cut, fall_back
from orchestrator.render.words import Contact, CustomerWords, OrderWords, Task, When, Words

Write = Callable[..., Renderer]

MAIL = "Subject: Hello {{ customer.name }}\n\nDear {{ customer.name }},\n\nit is here.\n"
LAYOUT = """<mjml><mj-head><mj-title>{{ subject }}</mj-title><mj-preview>{{ preview }}</mj-preview>
<mj-style>p { margin: 0; color: #123456; }
@media (prefers-color-scheme: dark) { p { color: #fff !important; } }</mj-style>
</mj-head><mj-body><mj-section><mj-column>
{% include "content" %}
</mj-column></mj-section></mj-body></mjml>"""
HTML = {"shared/layout.html.j2": LAYOUT, "shared/plain.html.j2": "<mj-text>{{ body }}</mj-text>"}


def words(name: str = "Maria Keller", **more: Any) -> dict[str, Any]:
    return {
        "customer": CustomerWords(name=name, greeting=name),
        "order": OrderWords("4711", {"model": "Lumen 4"}),
        "owner": Contact("Nora Brandt", "Nora"),
        "locale": "en",
        "zone": "Europe/Berlin",
        **more,
    }


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(files: Mapping[str, str], **company: str) -> Renderer:
        for name, text in files.items():
            path = tmp_path / "templates" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return Renderer(tmp_path / "templates", company)

    return make


def one(write: Write, text: str, *, channel: str = "sms", name: str = "Maria Keller", **more: Any) -> str:
    renderer = write({f"car/said/{channel}.txt.en.j2": text})
    return renderer.render("car/said", channel, "en", words(name, **more)).text


def codes(renderer: Renderer) -> list[tuple[str, int, int]]:
    return [(problem.code, problem.line, problem.column) for problem in renderer.problems()]


# ── what is found ────────────────────────────────────────────────────────────


def test_names_and_channels_are_what_the_directory_holds(write: Write) -> None:
    renderer = write(
        {"car/said/email.txt.en.j2": MAIL, "car/said/email.txt.de.j2": MAIL, "car/said/sms.txt.en.j2": "x"}
    )
    assert renderer.names() == {"car/said"}
    assert renderer.channels_of("car/said") == {"email": {"en", "de"}, "sms": {"en"}}


@pytest.mark.parametrize(
    "name", ["../../x", "car", "car/said/email", "car/../said", "/etc/passwd", "Car/said", "car/said\n", ""]
)
def test_a_name_that_is_not_journey_and_name_is_not_found(write: Write, name: str) -> None:
    with pytest.raises(NotFound):
        write({"car/said/sms.txt.en.j2": "x"}).render(name, "sms", "en", words())


def test_a_link_out_of_the_directory_is_refused(write: Write, tmp_path: Path) -> None:
    (tmp_path / "secret.j2").write_text("secret", encoding="utf-8")
    renderer = write({"car/said/sms.txt.en.j2": "x"})
    (tmp_path / "templates/car/said/push.txt.en.j2").symlink_to(tmp_path / "secret.j2")
    again = Renderer(renderer.templates, {})
    assert codes(again) == [("T003", 0, 0)]
    with pytest.raises(NotFound):
        again.render("car/said", "push", "en", words())


@pytest.mark.parametrize(
    ("locale", "company", "found"),
    [
        ("de-AT", "", "de-AT"),
        ("de_AT", "", "de-AT"),
        ("de-CH", "", "de"),
        ("fr", "de", "de"),
        ("fr", "", "en"),
        ("fr", "it", "en"),
    ],
)
def test_the_nearest_language_is_taken(write: Write, locale: str, company: str, found: str) -> None:
    renderer = write({f"car/said/sms.txt.{each}.j2": each for each in ("en", "de", "de-AT")}, locale=company)
    rendered = renderer.render("car/said", "sms", locale, words())
    assert (rendered.text, rendered.locale) == (found, found)


def test_exact_comes_before_language_company_and_english() -> None:
    assert list(fall_back("de-AT", "fr-FR")) == ["de-AT", "de", "fr-FR", "fr", "en", ""]


def test_a_date_is_written_in_the_language_that_was_found(write: Write) -> None:
    renderer = write({"car/said/sms.txt.de.j2": "{{ promise.text }}"}, locale="de")
    promise = When(date(2026, 3, 12), locale="fr")
    assert (
        renderer.render("car/said", "sms", "fr", words(promise=promise, locale="fr")).text
        == "Donnerstag, 12. März"
    )


def test_dates_follow_even_where_the_caller_asks_for_another_language_than_the_readers(write: Write) -> None:
    renderer = write({"car/said/sms.txt.de.j2": "{{ promise.text }}"})
    today = When(date(2026, 3, 12), locale="en")
    said = renderer.render("car/said", "sms", "de", words(promise=today, today=today, locale="de"))
    assert said.text == "Donnerstag, 12. März"


def test_a_task_without_a_template_takes_the_shared_one_of_its_name_or_the_general_one(write: Write) -> None:
    renderer = write(
        {
            "shared/task/sms.txt.en.j2": "please {{ task.do }}",
            "shared/call/sms.txt.en.j2": "shared call",
            "car/own/sms.txt.en.j2": "own",
        }
    )
    asked = words(task=Task("id", "check the papers"))
    said = [renderer.render(f"car/{name}", "sms", "en", asked).text for name in ("own", "call", "check")]
    assert said == ["own", "shared call", "please check the papers"]
    with pytest.raises(NotFound):
        renderer.render("car/check", "sms", "en", words(task=Task()))


def test_a_message_without_a_template_of_its_own_takes_the_one_that_journeys_share(write: Write) -> None:
    renderer = write(
        {
            "car/own/sms.txt.en.j2": "own",
            "shared/own/sms.txt.en.j2": "shared",
            "shared/own/email.txt.en.j2": "Subject: It\n\nshared mail",
            "shared/sorry/sms.txt.en.j2": "sorry",
            "shared/task/sms.txt.en.j2": "please {{ task.do }}",
        }
    )

    assert renderer.render("car/own", "sms", "en", words()).text == "own"
    assert renderer.render("car/own", "email", "en", words()).text == "shared mail"
    assert renderer.render("car/sorry", "sms", "en", words()).text == "sorry"
    with pytest.raises(NotFound):
        renderer.render("car/sorry", "email", "en", words())


# ── what a file says ─────────────────────────────────────────────────────────


def test_headers_stand_above_the_first_empty_line(write: Write) -> None:
    renderer = write(
        {
            "car/said/email.txt.en.j2": MAIL,
            "car/said/push.txt.en.j2": "Title: T {{ order.id }}\nLink: /o/{{ order.id }}\n\nBody",
        }
    )
    mail = renderer.render("car/said", "email", "en", words())
    assert (mail.subject, mail.text) == ("Hello Maria Keller", "Dear Maria Keller,\n\nit is here.")
    push = renderer.render("car/said", "push", "en", words())
    assert (push.title, push.link, push.text) == ("T 4711", "/o/4711", "Body")


def test_a_purpose_is_never_printed(write: Write) -> None:
    renderer = write({"car/said/email.txt.en.j2": "Subject: x\nPurpose: marketing\n\nBody"})
    assert renderer.render("car/said", "email", "en", words()).text == "Body"


def test_a_statement_alone_on_a_line_leaves_no_line_and_inside_a_line_takes_nothing_with_it(
    write: Write,
) -> None:
    text = (
        "a {% if true %}b{% endif %}\n{# a note #}\n  {% if true %}\n{% if true %}\nc\n{% endif %}\n"
        "{% endif %}\n\nd {% if true %}{% endif %} e"
    )
    assert one(write, text, channel="inbox") == "a b\nc\n\nd  e"


def test_includes_take_the_language_of_the_text(write: Write) -> None:
    renderer = write(
        {
            "car/said/sms.txt.de.j2": '{% include "shared/hello.txt" %}\nEnde',
            "shared/hello.txt.de.j2": "Guten Tag {{ customer.name }}\n",
            "shared/hello.txt.en.j2": "Hello\n",
        }
    )
    assert renderer.render("car/said", "sms", "de", words()).text == "Guten Tag Maria Keller\nEnde"


def test_an_sms_is_stripped_and_keeps_to_the_cheap_alphabet(write: Write) -> None:
    assert one(write, "\n  it’s here – {{ customer.name }} \n\n") == "it's here - Maria Keller"


def test_an_sms_that_no_provider_would_take_is_refused(write: Write) -> None:
    with pytest.raises(RenderError, match="11 SMS"):
        one(write, "a" * 1531)


# ── bad input ────────────────────────────────────────────────────────────────

NASTY = [
    "A\r\nBcc:x",
    "A\u2028Bcc: x",
    "A\x0bB\x0cC\x85D",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "{% raw %}",
    "x" * 10_000,
    "🚗 Ünal",
    "\ud800",
]


@pytest.mark.parametrize("name", NASTY)
def test_a_nasty_name_makes_a_clean_subject_and_stays_literal(write: Write, name: str) -> None:
    mail = write({"car/said/email.txt.en.j2": MAIL, **HTML}).render("car/said", "email", "en", words(name))
    assert re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", mail.subject) is None
    assert len(mail.subject) <= 150
    assert "49" not in mail.text
    assert "<script" not in mail.html
    mail.subject.encode()
    if name == "{{7*7}}":
        assert mail.subject == "Hello {{7*7}}"
        assert "{{7*7}}" in mail.html


def test_a_name_cannot_add_a_header_line(write: Write) -> None:
    renderer = write({"car/said/push.txt.en.j2": "Title: {{ customer.name }}\n\nBody"})
    push = renderer.render("car/said", "push", "en", words("x\nLink: https://evil.example"))
    assert (push.title, push.link, push.text) == ("x Link: https://evil.example", "", "Body")


@given(st.text())
def test_one_line_is_one_line_whatever_comes(text: str) -> None:
    line = one_line(text, 40)
    assert len(line.splitlines()) <= 1
    assert len(line) <= 40
    assert line == line.strip() == one_line(line, 40)
    line.encode()


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(f"{tag} {sorted(name for name, _ in attrs)}")  # type: ignore[attr-defined]


@given(name=st.text(max_size=200))
def test_no_name_changes_the_structure_of_the_html(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    renderer = structured(tmp_path_factory)
    assert structure(renderer.render("car/said", "email", "en", words(name)).html) == structure(
        renderer.render("car/said", "email", "en", words("Maria")).html
    )


def structured(factory: pytest.TempPathFactory, kept: list[Renderer] = []) -> Renderer:  # noqa: B006 - kept on purpose
    if not kept:
        root = factory.mktemp("structured")
        body = (
            '<mj-text><p title="{{ customer.name }}">{{ customer.name }}</p></mj-text>'
            '<mj-button href="https://example.com/?q={{ customer.name }}">{{ customer.name }}</mj-button>'
        )
        for name, text in {
            **HTML,
            "car/said/email.html.en.j2": body,
            "car/said/email.txt.en.j2": MAIL,
        }.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        kept.append(Renderer(root, {}))
    return kept[0]


def structure(html: str) -> list[str]:
    reader = Reader()
    reader.feed(html)
    return reader.tags


# ── HTML ─────────────────────────────────────────────────────────────────────


def test_every_mail_has_html_even_without_one_of_its_own(write: Write) -> None:
    text = "Subject: S & T\nPreview: see\n\nOne <two>\nthree\n\nhttps://example.com/a?b=1&c=2.\n\n-- \nfooter"
    mail = write({"car/said/email.txt.en.j2": text, **HTML}).render("car/said", "email", "en", words())
    assert "<title>S &amp; T</title>" in mail.html
    assert "One &lt;two&gt;<br>\nthree</p>" in mail.html
    assert '<a href="https://example.com/a?b=1&amp;c=2">' in mail.html
    assert "footer" not in mail.html
    assert mail.text.endswith("\n\n-- \nfooter")


def test_mjml_becomes_html_with_styles_inlined_and_media_queries_kept(write: Write) -> None:
    body = "<mj-text><p>Hello {{ customer.name }}</p></mj-text>"
    mail = write({"car/said/email.txt.en.j2": MAIL, "car/said/email.html.en.j2": body, **HTML}).render(
        "car/said", "email", "en", words()
    )
    assert re.search(r'<p\sstyle="[^"]*color: #123456', mail.html)
    assert "prefers-color-scheme" in mail.html
    assert "<mj-" not in mail.html
    assert "jinja" not in mail.html


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize(
    "body",
    [
        "<mj-text>{% if order.id == SHOWN %}<p>inside</p>{% endif %}</mj-text>",
        "{% if order.id == SHOWN %}<mj-text>inside</mj-text>{% endif %}",
        "<mj-table>{% if order.id == SHOWN %}<tr><td>inside</td></tr>{% endif %}</mj-table>",
        '<mj-button href="https://example.com/{% if order.id == SHOWN %}inside{% endif %}">go</mj-button>',
        '<mj-button href="https://example.com/">go {% if order.id == SHOWN %}inside{% endif %}</mj-button>',
        '<mj-text><a href="{% if order.id == SHOWN %}inside{% endif %}">x</a></mj-text>',
        "<mj-text>{% for n in [1] if order.id == SHOWN %}inside{% else %}{% endfor %}</mj-text>",
    ],
)
def test_statements_work_wherever_mjml_can_keep_them(write: Write, body: str, shown: bool) -> None:
    body = body.replace("SHOWN", "'4711'" if shown else "'0'")
    renderer = write({"car/said/email.txt.en.j2": MAIL, "car/said/email.html.en.j2": body, **HTML})
    assert renderer.problems() == []
    html = renderer.render("car/said", "email", "en", words()).html
    assert ("inside" in html) is shown


def test_no_line_of_the_html_is_longer_than_a_mail_may_have(write: Write) -> None:
    """Else every mail of it would have to be encoded (RFC 5322 2.1.1)."""
    body = "<mj-text>{{ body }}</mj-text>" * 20
    text = MAIL + "\n\nA paragraph,\nsaid again.\n" * 50
    files = {"car/said/email.txt.en.j2": text, "car/said/email.html.en.j2": body, **HTML}
    html = write(files).render("car/said", "email", "en", words()).html
    assert max(map(len, html.split("\n"))) <= 998


@pytest.mark.parametrize("container", ["mj-wrapper", "mj-body"])
def test_whole_sections_can_be_left_out_without_breaking_outlooks_tables(
    write: Write, container: str
) -> None:
    section = "<mj-section><mj-column><mj-text>T</mj-text></mj-column></mj-section>"
    inner = f"{section}{{% if order.id == 'x' %}}{section}{{% endif %}}{section}"
    body = inner if container == "mj-body" else f"<mj-wrapper>{inner}</mj-wrapper>"
    document = f"<mjml><mj-body>{body}</mj-body></mjml>"
    renderer = write({"car/said/email.txt.en.j2": MAIL, "car/said/email.html.en.j2": document})
    assert renderer.problems() == []
    html = renderer.render("car/said", "email", "en", words()).html
    outlook = "".join(re.findall(r"<!--\[if mso \| IE\]>(.*?)<!\[endif\]-->", html, re.DOTALL))
    assert "[endif]----" not in html  # an inner comment would have ended Outlook's
    for tag in ("table", "tr", "td"):
        assert len(re.findall(rf"<{tag}[\s>]", outlook)) == outlook.count(f"</{tag}>")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("<mj-text {{ customer.name }}>x</mj-text>", "T031"),
        ("{{ customer.name }}<mj-text>x</mj-text>", "T031"),
        ("<mj-txt>x</mj-txt>", "T030"),
        ("<mj-text>x", "T030"),
        ("<mj-text>x</mj-section>", "T030"),
        ('<mj-text><style>{{ "" }}</style></mj-text><mj-style>p {}</mj-style>', ""),
    ],
)
def test_what_mjml_would_lose_is_refused_with_its_line(write: Write, body: str, code: str) -> None:
    renderer = write({"car/said/email.txt.en.j2": MAIL, "car/said/email.html.en.j2": "\n" + body, **HTML})
    found = [problem for problem in renderer.problems() if problem.code == code]
    assert (found[0].path, found[0].line) == ("templates/car/said/email.html.en.j2", 2) if code else not found


def test_braces_in_a_style_sheet_are_no_jinja() -> None:
    env = Sandbox(autoescape=True)
    from orchestrator.render.source import literal

    assert env.from_string(literal("@media x{#a{b:c}} {{ {%")).render() == "@media x{#a{b:c}} {{ {%"


# ── mistakes ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("one\n\n{{ custmer.name }}", r"sms\.txt\.en\.j2:3: 'custmer' is undefined; did you mean 'customer'"),
        (
            "one\n{% if owner %}\n{{ owner.nme }}\n{% endif %}",
            r"j2:3: nothing here is called '\.nme'; did you mean 'name'",
        ),
        ("{{ order.attributes.modl }}", r"j2:1: nothing here is called '\.modl'; did you mean 'model'"),
        ("{{ customer.name.__class__ }}", r"j2:1: access to attribute '__class__'"),
        ("{{ customer.name.ljust(500000000) }}", "ljust"),
        ("{{ customer.name * 500000000 }}", r"'\*' is for two numbers"),
        ("{{ '%500000000d' % 1 }}", "'%' is for two numbers"),
        ("{{ order.attributes.update(a=1) }}", "update"),
    ],
)
def test_a_failure_names_file_line_and_variable(write: Write, text: str, message: str) -> None:
    with pytest.raises(RenderError, match=message):
        one(write, text)


def test_a_failure_inside_an_include_or_the_html_names_that_file(write: Write) -> None:
    renderer = write(
        {
            "car/said/email.txt.en.j2": "Subject: {{ order.attributes.a }}\n\nx",
            "car/more/email.txt.en.j2": 'Subject: x\n\n{% include "shared/end.txt" %}',
            "shared/end.txt.en.j2": "one\n{{ order.attributes.b }}",
            "car/html/email.txt.en.j2": MAIL,
            "car/html/email.html.en.j2": "<mj-text>\n<p>\n{{ order.attributes.c }}</p></mj-text>",
            **HTML,
        }
    )
    for name, place in (
        ("said", "car/said/email.txt.en.j2:1"),
        ("more", "shared/end.txt.en.j2:2"),
        ("html", "car/html/email.html.en.j2:3"),
    ):
        with pytest.raises(RenderError, match=re.escape(place)):
            renderer.render(f"car/{name}", "email", "en", words())


@pytest.mark.parametrize("name", ["__class__", "update"])
def test_an_attribute_opens_nothing_that_is_called_so(write: Write, name: str) -> None:
    with pytest.raises(RenderError, match=name):
        one(write, f"{{{{ order.attributes.{name}.x }}}}", order=OrderWords("4711", {name: "a text"}))


def test_a_failure_never_quotes_the_customer(write: Write) -> None:
    with pytest.raises(RenderError) as error:
        one(write, "{{ customer.name + 1 }}")
    assert "Keller" not in str(error.value)


def test_output_is_capped(write: Write) -> None:
    text = "{% for a in order.attributes.l %}{{ customer.name }}{% endfor %}"
    with pytest.raises(RenderError, match=str(OUTPUT_LIMIT)):
        one(write, text, order=OrderWords("1", {"l": list(range(50_000))}))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Subject: x\n\n{{ custmer.name }}", ("T011", 3, 4)),
        ("Subject: {{ customer.nme }}\n\nx", ("T011", 1, 13)),
        ("Subject: x\n\n{{ promise.txt }}", ("T011", 3, 4)),
        ("Subject: x\n\n{% if a %}", ("T010", 3, 4)),
        ("Subject: x\n\n{{ order.id | uper }}", ("T012", 3, 15)),
        ("Subject: x\n\n{{ customer.name | safe }}", ("T012", 3, 20)),
        ("Subject: x\n\n{% if order.id is evn %}{% endif %}", ("T012", 3, 19)),
        ("Subject: x\n\n{% autoescape false %}{% endautoescape %}", ("T013", 3, 1)),
        ('Subject: x\n\n{% extends "a" %}', ("T013", 3, 1)),
        ('Subject: x\n\n{% include "shared/none.txt" %}', ("T014", 3, 1)),
        ("no subject", ("T020", 1, 1)),
        ("Subject: x\nPurpose: servce\n\ny", ("T021", 2, 10)),
        ("Subject: x\nPriority: high\n\ny", ("T022", 2, 1)),
        ("Subject: x\n\n", ("T024", 1, 1)),
        ("Subject: x\nSubject: y\n\nHello", ("T025", 2, 1)),
    ],
)
def test_every_mistake_is_found_before_anything_is_sent(
    write: Write, text: str, expected: tuple[str, int, int]
) -> None:
    assert codes(write({"car/said/email.txt.en.j2": text})) == [expected]


def test_problems_come_all_at_once_and_with_a_hint(write: Write) -> None:
    renderer = write(
        {
            "car/a/sms.txt.en.j2": "{{ custmer }}\n{{ ownr }}",
            "car/b/sms.txt.en.j2": "{% if %}",
            "car/c/sms.j2": "x",
        }
    )
    problems = renderer.problems()
    assert [problem.code for problem in problems] == ["T011", "T011", "T010", "T002"]
    assert problems[0].hint == "did you mean 'customer'?"
    assert problems[0].source == "{{ custmer }}"


@pytest.mark.parametrize(("name", "told"), [("range", "such as `orders`"), ("cycler", "loop.cycle")])
def test_a_function_of_jinja_that_is_left_out_is_named_as_that(write: Write, name: str, told: str) -> None:
    (problem,) = write({"car/a/sms.txt.en.j2": f"{{{{ {name}(9) }}}}"}).problems()
    assert (problem.code, problem.message) == ("T011", f"nothing is called '{name}'")
    assert problem.hint.startswith(f"Jinja's {name} is left out")
    assert told in problem.hint


def test_names_a_template_sets_itself_are_no_mistakes(write: Write) -> None:
    text = (
        "{% set car = order.attributes.model %}{% for n in [1] %}{{ n }}{{ loop.index }}{% endfor %}{{ car }}"
    )
    assert write({"car/said/sms.txt.en.j2": text}).problems() == []


def test_html_without_text_is_a_mistake(write: Write) -> None:
    assert codes(
        write({"car/said/email.html.de.j2": "<mj-text>x</mj-text>", "car/said/sms.txt.en.j2": "x"})
    ) == [("T023", 1, 1)]


def test_an_empty_directory_is_a_mistake(tmp_path: Path) -> None:
    assert [problem.code for problem in Renderer(tmp_path / "none", {}).problems()] == ["T001"]


def test_every_code_that_is_given_is_explained() -> None:
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in Path("orchestrator/render").glob("*.py")
        if path.stem != "codes"
    )
    assert set(re.findall(r'"(T\d{3})"', source)) == set(TEMPLATE_CODES)


@given(
    st.lists(
        st.sampled_from(
            [
                "text\n",
                "{{ order.id }}",
                "{% if true %}",
                "{% endif %}",
                "\n",
                "  ",
                "{# note #}",
                "{{- 1 -}}",
            ]
        ),
        max_size=12,
    )
)
def test_cutting_and_joining_changes_nothing_but_lone_lines(parts: list[str]) -> None:
    """Whatever is written, words come out in the same order as from Jinja itself."""
    env = Sandbox(autoescape=False)
    source = "".join(parts)
    try:
        expected = env.from_string(source).render(order=OrderWords("7", {}))
    except Exception:  # noqa: BLE001 - an odd number of ifs
        return
    again = assemble(cut(source, "x", env)).source
    assert env.from_string(again).render(order=OrderWords("7", {})).split() == expected.split()


def test_every_declared_name_is_there_in_words() -> None:
    from dataclasses import fields

    from orchestrator.render.words import declared

    assert list(declared()) == [field.name for field in fields(Words)]
