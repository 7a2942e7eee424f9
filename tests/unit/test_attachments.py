"""What goes with a mail beside its words: files, appointments, the picture and colours of a brand."""

import email
import email.policy
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from channels.base import Attachment, Message, Rejected
from channels.mime import compose
from orchestrator.errors import RenderError
from orchestrator.render import Renderer
from orchestrator.render.attachments import ALL, EACH, KINDS
from orchestrator.render.brands import brand_of, coloured
from orchestrator.render.words import Brand, Contact, CustomerWords, OrderWords, Place

PDF, PNG = b"%PDF-1.7\nx", b"\x89PNG\r\n\x1a\nx"
MAIL = "Subject: Tomorrow\n{more}\nHello {{{{ customer.name }}}}, it is tomorrow.\n"
LAYOUT = """<mjml><mj-head><mj-style>a { color: {{ brand.accent }}; }</mj-style></mj-head><mj-body>
<mj-section><mj-column>
{% if brand.logo %}
<mj-image alt="x" src="{{ brand.logo }}" />
{% endif %}
<mj-text><a href="mailto:a@example.com">{{ brand.name }}</a></mj-text>
{% include "content" %}
</mj-column></mj-section></mj-body></mjml>"""
LINEA = Brand("Linea by Lindner", "Linea, Musterstraße 12", key="linea", **coloured("#7a3b9e"))


def words(**more: Any) -> dict[str, Any]:
    return {
        "customer": CustomerWords(name="Maria Keller"), "order": OrderWords("BX-100", {}), "locale": "en",
        "sender": Contact("Nora Brandt"), "location": Place("Autohaus Lindner"), "zone": "Europe/Berlin",
        "brand": Brand("Autohaus Lindner"), **more,
    }  # fmt: skip


class Write:
    """Templates in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self, more: str = "", files: dict[str, str | bytes] | None = None, **company: Any
    ) -> Renderer:
        every: dict[str, str | bytes] = {
            "car/soon/email.txt.en.j2": MAIL.format(more=f"{more}\n" if more else ""),
            "shared/layout.html.j2": LAYOUT,
            "shared/plain.html.j2": "<mj-text>{{ body }}</mj-text>",
            **(files or {}),
        }
        for name, content in every.items():
            path = self.folder / "templates" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return Renderer(self.folder / "templates", company)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    return Write(tmp_path)


def codes(renderer: Renderer) -> list[tuple[str, int]]:
    return [(problem.code, problem.line) for problem in renderer.problems()]


# ── files ────────────────────────────────────────────────────────────────────


def test_a_file_among_the_templates_goes_with_the_mail(write: Write) -> None:
    renderer = write("Attach: shared/files/list.pdf", {"shared/files/list.pdf": PDF})
    (file,) = renderer.render("car/soon", "email", "en", words()).files

    assert (file.name, file.type, file.data) == ("list.pdf", "application/pdf", PDF)
    assert codes(renderer) == []


def test_a_text_is_made_for_its_reader(write: Write) -> None:
    renderer = write(
        "Attach: shared/list.txt", {"shared/list.txt.en.j2": "For {{ customer.name }}: a licence."}
    )
    (file,) = renderer.render("car/soon", "email", "en", words()).files

    assert (file.name, file.data) == ("list.txt", b"For Maria Keller: a licence.")
    assert codes(renderer) == []


@pytest.mark.parametrize(
    ("attach", "files", "code"),
    [
        ("shared/none.pdf", {}, "T040"),
        ("../../secret.pdf", {}, "T040"),
        ("/etc/passwd", {}, "T041"),
        ("shared/run.exe", {"shared/run.exe": b"MZ"}, "T041"),
        ("shared/page.html", {"shared/page.html": b"<script>"}, "T041"),
        ("shared/a.pdf", {"shared/a.pdf": b"MZ is no pdf"}, "T041"),
        ("shared/big.pdf", {"shared/big.pdf": PDF + b"x" * EACH}, "T042"),
    ],
)
def test_what_cannot_be_attached_is_found_before_anything_is_sent_and_parks_the_mail(
    write: Write, attach: str, files: dict[str, str | bytes], code: str
) -> None:
    renderer = write(f"Attach: {attach}", files)

    assert codes(renderer) == [(code, 2)]
    with pytest.raises(RenderError):
        renderer.render("car/soon", "email", "en", words())


def test_a_link_out_of_the_templates_is_not_attached(write: Write, tmp_path: Path) -> None:
    (tmp_path / "secret.pdf").write_bytes(PDF)
    write()
    (tmp_path / "templates/shared/list.pdf").symlink_to(tmp_path / "secret.pdf")
    assert codes(write("Attach: shared/list.pdf")) == [("T040", 2)]


def test_files_that_are_too_large_together_park_the_mail(write: Write) -> None:
    size = ALL // 3 + 1
    files: dict[str, str | bytes] = {f"shared/{n}.pdf": PDF + b"x" * size for n in range(3)}
    with pytest.raises(RenderError, match="together"):
        write("\n".join(f"Attach: {name}" for name in files), files).render(
            "car/soon", "email", "en", words()
        )


@pytest.mark.parametrize(("line", "code"), [("Calendar: ask collected", "T043"), ("Calender: x", "T022")])
def test_a_calendar_line_that_cannot_be_read_is_found(write: Write, line: str, code: str) -> None:
    assert codes(write(line)) == [(code, 2)]


# ── as the bytes of a mail ───────────────────────────────────────────────────

MESSAGE = Message(
    "k", "<a@example.com>", "email", "maria.keller@example.com", "Hello\n", html="<p>Hello</p>\n",
    subject="Tomorrow", sender="service@example.com", at=datetime(2026, 3, 16, 17, 0, tzinfo=UTC),
)  # fmt: skip
CALENDAR = Attachment(
    "appointment.ics", "text/calendar; charset=utf-8; method=REQUEST", b"BEGIN:VCALENDAR\r\n"
)
PICTURE = Attachment("linea.png", "image/png", PNG, cid="logo@brand")


def shape(part: Any) -> Any:
    if part.is_multipart():
        return (part.get_content_subtype(), [shape(inner) for inner in part.iter_parts()])
    return part.get_content_type()


def parsed(*attachments: Attachment, **more: Any) -> Any:
    written = compose(replace(MESSAGE, attachments=attachments, **more))
    assert written.isascii()
    assert max(map(len, written.split(b"\r\n"))) <= 998
    return email.message_from_bytes(written, policy=email.policy.default)


def test_files_stand_beside_the_text_and_its_html() -> None:
    mail = parsed(Attachment("list.pdf", "application/pdf", PDF * 99))

    assert shape(mail) == ("mixed", [("alternative", ["text/plain", "text/html"]), "application/pdf"])
    (file,) = mail.iter_attachments()
    assert (file.get_filename(), file.get_content()) == ("list.pdf", PDF * 99)


def test_a_picture_belongs_to_the_html_that_shows_it() -> None:
    mail = parsed(PICTURE)

    assert shape(mail) == ("alternative", ["text/plain", ("related", ["text/html", "image/png"])])
    picture = mail.get_body(("related",)).get_payload()[1]
    assert picture["Content-ID"] == "<logo@brand>"
    assert picture.get_content_disposition() == "inline"


def test_an_invitation_is_a_file_and_another_way_to_say_the_same() -> None:
    mail = parsed(CALENDAR, PICTURE)

    ways = ["text/plain", ("related", ["text/html", "image/png"]), "text/calendar"]
    assert shape(mail) == ("mixed", [("alternative", ways), "text/calendar"])
    for part in (mail.get_payload()[0].get_payload()[2], mail.get_payload()[1]):
        assert part["Content-Type"].params["method"] == "REQUEST"
        assert part.get_payload(decode=True) == CALENDAR.data


def test_a_plain_mail_with_a_file_has_no_empty_html() -> None:
    assert shape(parsed(replace(CALENDAR, content_type="text/csv"), html="")) == (
        "mixed",
        ["text/plain", "text/csv"],
    )


@pytest.mark.parametrize(
    "bad",
    [
        replace(CALENDAR, name='a"\r\nBcc: x@example.com'),
        replace(CALENDAR, name="../x"),
        replace(CALENDAR, content_type="text/plain\r\nX: y"),
        replace(CALENDAR, content_type="text"),
        replace(PICTURE, cid="a>\r\nX: y"),
    ],
)
def test_no_attachment_can_begin_a_header(bad: Attachment) -> None:
    with pytest.raises(Rejected):
        compose(replace(MESSAGE, attachments=(bad,)))


def test_every_kind_that_is_attached_can_be_written() -> None:
    for kind in KINDS.values():
        parsed(Attachment("a", kind.type, kind.begins))


# ── brands ───────────────────────────────────────────────────────────────────


def test_a_location_names_a_brand_by_its_key_or_its_name() -> None:
    company = {"name": "Autohaus Lindner", "address": "Musterstraße 12", "brands": {"linea": LINEA}}
    assert brand_of("linea", company) is brand_of("Linea by Lindner", company) is LINEA
    assert brand_of("", company) == Brand("Autohaus Lindner", "Musterstraße 12")
    assert brand_of("Somebody else", company).name == "Somebody else"
    assert brand_of("linea", {}).name == "linea"


def test_a_brand_gives_a_mail_its_colours_and_its_name(write: Write) -> None:
    renderer = write(brands={"linea": LINEA})
    house = renderer.render("car/soon", "email", "en", words()).html
    linea = renderer.render("car/soon", "email", "en", words(brand=LINEA)).html

    assert "color: #0b6b5d" in house
    assert "#7a3b9e" not in house
    assert "color: #7a3b9e" in linea
    assert "Linea by Lindner" in linea
    assert renderer.render("car/soon", "email", "en", words()).html == house


def test_a_brand_with_a_layout_of_its_own_uses_it(write: Write) -> None:
    layout = '<mjml><mj-body><mj-section><mj-column><mj-text>own</mj-text>{% include "content" %}'
    files: dict[str, str | bytes] = {
        "shared/layouts/linea.html.j2": f"{layout}</mj-column></mj-section></mj-body></mjml>"
    }
    renderer = write("", files, brands={"linea": LINEA})

    assert ">own<" in renderer.render("car/soon", "email", "en", words(brand=LINEA)).html
    assert ">own<" not in renderer.render("car/soon", "email", "en", words()).html
    assert codes(renderer) == []


def test_the_picture_of_a_brand_goes_with_the_mail_and_no_reader_is_watched(write: Write) -> None:
    shown = replace(LINEA, logo="cid:logo@brand", logo_file="shared/linea.png")
    renderer = write("", {"shared/linea.png": PNG}, brands={"linea": shown})
    mail = renderer.render("car/soon", "email", "en", words(brand=shown))

    assert re.search(r'src="cid:logo@brand"', mail.html)
    assert [(file.name, file.cid) for file in mail.files] == [("linea.png", "logo@brand")]
    assert not renderer.render("car/soon", "email", "en", words()).files
    assert not re.search(r'(?:src|url\()\s*=?\s*"?https?:', mail.html)


def test_a_brand_without_its_picture_or_layout_is_found(write: Write) -> None:
    lost = replace(LINEA, logo="cid:logo@brand", logo_file="shared/gone.png", layout="classic")
    assert codes(write(brands={"linea": lost})) == [("T044", 0), ("T044", 0)]


def test_one_colour_makes_the_four_that_a_mail_needs() -> None:
    assert coloured("#0b6b5d") == {
        "accent": "#0b6b5d", "accent_dark": "#91bcb6", "tint": "#eef5f4", "tint_dark": "#28343c",
    }  # fmt: skip
    assert coloured("#0b6b5d", "#6cd3c0")["accent_dark"] == "#6cd3c0"
