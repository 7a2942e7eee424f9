"""Mails in Arabic, Hebrew and Persian run from right to left, and what runs the other way stays whole."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.render import Renderer
from orchestrator.render.bidi import FSI, PDI, isolated, leftwards, line
from orchestrator.render.local_dates import weekday_names
from orchestrator.render.telephones import as_dialled
from orchestrator.render.words import Brand, Contact, CustomerWords, OrderWords, Place

SHARED = Path(__file__).parents[2] / "templates" / "shared"
ARABIC = {
    "car/here/email.txt.ar.j2": (
        "Subject: سيارتك {{ order.attributes.model }} وصلت\n\n"
        "مرحباً {{ customer.name }}،\n\nسيارتك {{ order.attributes.model }} وصلت.\n\n"
        "{{ sender.name }}\n{{ sender.phone }}\n"
    ),
    "car/here/email.html.ar.j2": (
        '<mj-text css-class="title pad"><h1>سيارتك {{ order.attributes.model }} وصلت</h1></mj-text>\n'
        '<mj-text css-class="date pad"><p class="label">الموعد</p><p class="day">{{ order.id }}</p>'
        "</mj-text>\n"
        '<mj-text css-class="body pad"><p>مرحباً {{ customer.name }}،</p>'
        '<p><a href="mailto:{{ sender.email }}">{{ sender.name }}</a>، {{ sender.phone }}</p></mj-text>'
    ),
    "car/here/sms.txt.ar.j2": "مرحباً {{ customer.name }}، اتصل بنا: {{ sender.phone }}.",
    "car/here/email.txt.de.j2": "Subject: {{ customer.name }} (neu)\n\nGuten Tag {{ customer.name }}.\n",
    "shared/footer.html.ar.j2": "<p>{{ brand.name }}</p>",
    "shared/footer.html.de.j2": "<p>{{ brand.name }}</p>",
}


def words(name: str = "Maria Keller", **more: Any) -> dict[str, Any]:
    return {
        "customer": CustomerWords(name=name, greeting=name),
        "order": OrderWords("BX-100", {"model": "Aria Touring"}),
        "sender": Contact("Nora Brandt", "Nora", "nora.brandt@example.com", "+49 30 23125 110"),
        "location": Place("Autohaus Lindner"),
        "brand": Brand("Autohaus Lindner"),
        "locale": "ar",
        "zone": "Europe/Berlin",
        **more,
    }


Write = Callable[..., Renderer]


@pytest.fixture
def renderer(tmp_path: Path) -> Renderer:
    layouts = {
        f"shared/{name}": (SHARED / name).read_text("utf-8") for name in ("layout.html.j2", "plain.html.j2")
    }
    files: Mapping[str, str] = {**layouts, **ARABIC}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return Renderer(tmp_path, {})


@pytest.mark.parametrize(
    "locale", ["ar", "ar-EG", "he", "iw-IL", "fa", "fa_IR", "ur", "az-Arab", "ku-Arab-IQ", "yi"]
)
def test_these_languages_run_from_right_to_left(locale: str) -> None:
    assert leftwards(locale)


@pytest.mark.parametrize("locale", ["de", "de-AT", "en", "", "tr", "az", "ur-Latn", "zh-Hant", "ru"])
def test_these_do_not(locale: str) -> None:
    assert not leftwards(locale)


def test_an_arabic_mail_is_laid_out_from_the_right(renderer: Renderer) -> None:
    html = renderer.render("car/here", "email", "ar", words()).html

    assert re.search(r'<html[^>]*\blang="ar"', html)
    assert re.search(r'<html[^>]*\bdir="rtl"', html)
    assert "text-align: right" in html.replace("text-align:right", "text-align: right")
    assert "direction:ltr" not in html
    assert "text-align:left" not in re.sub(
        r'class="mj-outlook-group-fix[^>]*>', "", html
    )  # of the gaps between
    assert "border-right: 4px solid #0b6b5d" in html
    assert "border-left: 4px" not in html


def test_a_german_mail_is_laid_out_from_the_left_as_ever(renderer: Renderer) -> None:
    html = renderer.render("car/here", "email", "de", words(locale="de")).html

    assert re.search(r'<html[^>]*\bdir="ltr"', html)
    assert "text-align:right" not in html
    assert FSI not in html


def test_latin_names_and_numbers_stand_isolated_in_arabic_texts(renderer: Renderer) -> None:
    mail = renderer.render("car/here", "email", "ar", words())
    sms = renderer.render("car/here", "sms", "ar", words())

    for text in (mail.text, mail.html):
        assert f"{FSI}Maria Keller{PDI}" in text
        assert f"{FSI}+49 30 23125 110{PDI}" in text
    assert sms.text == f"مرحباً {FSI}Maria Keller{PDI}، اتصل بنا: {FSI}+49 30 23125 110{PDI}."
    assert mail.subject == f"سيارتك {FSI}Aria Touring{PDI} وصلت"


def test_an_arabic_name_stands_isolated_in_a_german_text_and_a_latin_one_as_it_is(renderer: Renderer) -> None:
    aylin = renderer.render("car/here", "email", "de", words("آيلين", locale="de"))
    maria = renderer.render("car/here", "email", "de", words(locale="de"))

    assert aylin.text == f"Guten Tag {FSI}آيلين{PDI}."
    assert aylin.subject == f"{FSI}آيلين{PDI} (neu)"
    assert f"Guten Tag {FSI}آيلين{PDI}." in aylin.html
    assert maria.text == "Guten Tag Maria Keller."
    assert FSI not in maria.subject + maria.html


def test_addresses_inside_tags_carry_no_marks(renderer: Renderer) -> None:
    html = renderer.render("car/here", "email", "ar", words()).html

    assert 'href="mailto:nora.brandt@example.com"' in html
    assert not re.search(f'(?:href|src|style|class)="[^">]*[{FSI}{PDI}]', html)


def test_a_name_that_brings_marks_of_its_own_is_isolated_once_and_cannot_turn_the_rest_round(
    renderer: Renderer,
) -> None:
    from orchestrator.plain_text import one_line

    name = one_line("\u202eaira\u2069\u2069 آ")
    mail = renderer.render("car/here", "email", "de", words(name, locale="de"))
    assert mail.subject == f"{FSI}aira آ{PDI} (neu)"


@given(st.text(max_size=40), st.booleans())
def test_isolates_are_always_closed_and_change_no_letter(text: str, within: bool) -> None:
    text = text.replace(FSI, "").replace(PDI, "")
    found = isolated(text, within_leftwards=within)
    assert found.count(FSI) == found.count(PDI) <= 1
    assert found.replace(FSI, "").replace(PDI, "") == text


@given(st.text(alphabet="aب \n" + FSI + PDI, max_size=60))
def test_a_subject_that_is_cut_still_closes_what_it_opened(text: str) -> None:
    cut = line(text, 20)
    assert "\n" not in cut
    assert cut.count(FSI) <= cut.count(PDI)


def test_days_above_a_column_are_short_also_where_a_language_shortens_none() -> None:
    assert [short for short, _ in weekday_names("ar")] == ["ن", "ث", "ر", "خ", "ج", "س", "ح"]
    assert [short for short, _ in weekday_names("de")][:2] == ["Mo.", "Di."]


@pytest.mark.parametrize(
    ("kept", "read"),
    [
        ("+493023125110", "+49 30 23125110"),
        ("+12025550123", "+1 202-555-0123"),
        ("+49 30 23125 110", "+49 30 23125 110"),
        ("extension 110", "extension 110"),
        ("+1", "+1"),
        ("", ""),
    ],
)
def test_a_number_has_the_gaps_people_read_it_by(kept: str, read: str) -> None:
    assert as_dialled(kept) == read
