"""What somebody answered is theirs alone, names our mail, and says whether a person wrote it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.inbound.html import plain
from channels.inbound.mail import LARGEST, parse
from channels.inbound.quoting import own_words
from channels.inbound.reading import read
from channels.inbound.signed import Signing, Use
from channels.reports import Became, Reply, Report, Unreadable

MARIA = "maria.keller@example.com"
OURS = "<0b7c6f7e-3d2c-5b53-9b6c-1d2f3a4b5c6d@autohaus-lindner.example>"
SIGNING = Signing(("key",), ("autohaus-lindner.example",))
REPLIES = "answer@autohaus-lindner.example"
SIGNED = SIGNING.address(REPLIES, OURS, Use.REPLY)


def mail(body: str = "Ja, gern.", **headers: str) -> bytes:
    named = {"From": f"Maria Keller <{MARIA}>", "To": REPLIES, "Subject": "Re: Ihr Wagen ist da"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    return "".join(f"{name}: {value}\n" for name, value in named.items()).encode() + b"\n" + body.encode()


def reply(raw: bytes, **envelope: object) -> Reply:
    (one,) = read(parse(raw, **envelope), SIGNING)  # type: ignore[arg-type]
    assert isinstance(one, Reply)
    return one


def test_a_reply_names_what_it_answers_the_newest_first() -> None:
    raw = mail(In_Reply_To=OURS, References=f"<old@example.com>\n <newer@example.com> {OURS}")
    assert reply(raw).answers == (OURS, "<newer@example.com>", "<old@example.com>")


def test_a_signed_address_names_our_mail_whatever_else_is_lost() -> None:
    assert reply(mail(To=f"Nora Brandt <{SIGNED}>")).answers == (OURS,)
    assert reply(mail(), to=[SIGNED]).answers == (OURS,)
    assert reply(mail(Delivered_To=SIGNED, In_Reply_To="<x@example.com>")).answers == (
        OURS,
        "<x@example.com>",
    )


def test_a_forged_address_names_nothing() -> None:
    other = Signing(("another",)).address(REPLIES, OURS, Use.REPLY)
    assert reply(mail(To=other)).answers == ()


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated (vacation)"},
        {"Auto_Submitted": "auto-notified; owner-email=x@example.com"},
        {"Precedence": "bulk"},
        {"Precedence": "auto_reply"},
        {"X_Auto_Response_Suppress": "All"},
        {"X_Autoreply": "yes"},
        {"X_Autorespond": "x"},
        {"List_Id": "<news.example.com>"},
        {"Return_Path": "<>"},
        {"From": "MAILER-DAEMON@example.com"},
        {"From": "Shop <no-reply@example.com>"},
        {"Subject": "Automatische Antwort: Ihr Wagen ist da"},
        {"Subject": "Out of office: Re: your car"},
        {"Subject": "=?utf-8?q?R=C3=A9ponse_automatique_:_votre_voiture?="},
        {"Subject": "Abwesenheitsnotiz: Ihr Wagen"},
        {"Subject": "Abwesenheit"},
        {"Subject": "Abwesenheit: Re: Ihr Wagen"},
        {"Subject": "Out of Office AutoReply: Ihr Wagen"},
        {"Subject": "Abwesenheit am Montag", "Auto_Submitted": "auto-replied"},
        {"Content_Type": "multipart/report; boundary=x; report-type=disposition-notification"},
    ],
)
def test_what_a_machine_wrote_is_marked(headers: dict[str, str]) -> None:
    found = read(parse(mail(**headers)), SIGNING)
    assert all(isinstance(one, Reply) and one.automatic for one in found)


def test_mail_that_nobody_may_answer_is_automatic_by_its_envelope() -> None:
    assert reply(mail(), sender="").automatic
    assert reply(mail(), sender="<>").automatic


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Auto_Submitted": "no"},
        {"Precedence": "first-class"},
        {"Return_Path": f"<{MARIA}>"},
        {"Subject": "Automatik oder Schaltung?"},
        {"Subject": "Auto: wann?"},
        {"Subject": "Abwesenheit am Montag, bitte erst Dienstag anrufen"},
        {"Subject": "Out of office next week, can we move it?"},
        {"Subject": "Automatische Antwort habe ich bekommen, und nun?"},
        {"Importance": "high"},
    ],
)
def test_what_a_person_wrote_is_not(headers: dict[str, str]) -> None:
    assert not reply(mail(**headers), sender=MARIA).automatic


QUOTED = "> Guten Tag Maria,\n> Ihr Wagen ist da.\n>\n> Nora Brandt"


@pytest.mark.parametrize(
    "below",
    [
        f"Am Mo., 2. März 2026 um 12:00 Uhr schrieb Nora Brandt <nora@example.com>:\n\n{QUOTED}",
        f"On Mon, Mar 2, 2026 at 12:00 PM Nora Brandt <nora@example.com> wrote:\n{QUOTED}\n",
        f"On Mon, Mar 2, 2026 at 12:00 PM Autohaus Lindner\n<us@example.com> wrote:\n\n{QUOTED}",
        "On 2 Mar 2026, at 12:00, Nora Brandt <nora@example.com> wrote:\n\nYour car is here.\n\nNora",
        f"Le lun. 2 mars 2026 à 12:00, Nora Brandt <nora@example.com> a écrit :\n{QUOTED}",
        f"Il giorno lun 2 mar 2026 alle ore 12:00 Nora Brandt ha scritto:\n{QUOTED}",
        "-----Original Message-----\nFrom: Nora Brandt\nYour car is here.",
        "-----Ursprüngliche Nachricht-----\nVon: Nora Brandt\nIhr Wagen ist da.",
        "From: Nora Brandt\nSent: Monday, March 2, 2026\nTo: Maria Keller\nSubject: Car\n\nIt is here.",
        "Von: Nora Brandt\nGesendet: Montag, 2. März 2026\nAn: Maria Keller\nBetreff: Wagen\n\nEr ist da.",
        "*Von:* Nora Brandt <nora@example.com>\n*Gesendet:* Montag\n*An:* Maria Keller\n\nEr ist da.",
        QUOTED,
    ],
)  # fmt: skip
def test_what_is_quoted_below_is_left_out(below: str) -> None:
    theirs = "Danke!\n\nIch komme um zehn.\nMaria"
    assert own_words(f"{theirs}\n\n{below}") == theirs
    assert own_words(f"{theirs}\r\n\r\n{below}".replace("\n", "\r\n")) == theirs


@pytest.mark.parametrize(
    "text",
    [
        "Ja.",
        f"On Mon Nora Brandt wrote:\n{QUOTED}\n\nJa, bitte.",
        f"{QUOTED}\n\nJa, bitte.",
        f"Danke.\n\nOn Mon, 2 Mar 2026 Nora Brandt wrote:\n{QUOTED}\n\nUnd ja, bitte.",
        "> Um zehn?\n\nJa.\n\n> Mit Winterreifen?\n\nNein.",
        "Am Montag schrieb ich schon:\nich komme um zehn.\n\n> Ihr Wagen\n\nUnd?",
        "Von: München nach Hause, wie lange?",
        "From: here\nto there",
        "- - -\nMaria",
        "On the phone he wrote: nothing",
        QUOTED,
    ],
)
def test_whatever_is_in_doubt_is_kept(text: str) -> None:
    assert own_words(text) == text.strip()


@given(st.text(max_size=300))
def test_a_reply_is_a_part_of_what_was_written_and_never_nothing(text: str) -> None:
    kept = own_words(text)
    kept.encode(errors="surrogatepass")
    assert bool(kept) == bool(own_words(kept))
    assert len(kept) <= 10_000


def test_a_long_reply_is_cut_and_control_characters_are_gone() -> None:
    assert len(own_words("a" * 50_000)) == 10_000
    assert own_words("a\x00\x1b[31mb\u2028c") == "a[31mbc"


def test_a_mail_of_html_alone_is_read_as_people_read_it() -> None:
    html = (
        "<html><head><style>p {color: red}</style><title>x</title></head><body><!-- <p>no</p> -->"
        "<p>Gern,&nbsp;um <b>zehn</b>.</p><div>Maria<br>Keller</div><script>alert(1)</script>"
        "<div class=gmail_quote>Am Mo., 2. März 2026 schrieb Nora Brandt &lt;nora@example.com&gt;:"
        "<blockquote><p>Ihr Wagen ist da.</p></blockquote></div></body></html>"
    )
    found = reply(mail(html, Content_Type="text/html; charset=utf-8"))
    assert found.text == "Gern, um zehn.\nMaria\nKeller"
    assert plain("") == ""


def test_of_several_parts_the_text_is_read_and_attachments_are_not() -> None:
    body = (
        "--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nno\n"
        "--b\nContent-Type: multipart/alternative; boundary=c\n\n"
        "--c\nContent-Type: text/html\n\n<p>HTML</p>\n"
        "--c\nContent-Type: text/plain; charset=no-such\nContent-Transfer-Encoding: base64\n\nSmE=\n"
        "--c--\n--b--\n"
    )
    assert reply(mail(body, MIME_Version="1.0", Content_Type="multipart/mixed; boundary=b")).text == "Ja"


@pytest.mark.parametrize("subject", [f"unsubscribe {OURS.strip('<>')}", f"Unsubscribe  {OURS} "])
def test_the_mail_that_list_unsubscribe_asks_for_is_a_withdrawal(subject: str) -> None:
    (one,) = read(parse(mail("", Subject=subject)), SIGNING)
    assert isinstance(one, Report)
    assert (one.became, one.message_id, one.to) == (Became.UNSUBSCRIBED, OURS, MARIA)
    assert one.unproven


def test_a_signed_address_for_it_is_a_withdrawal_whatever_stands_in_it() -> None:
    to = SIGNING.address(REPLIES, OURS, Use.UNSUBSCRIBE)
    (one,) = read(
        parse(mail("This message was automatically generated", To=to, Subject="unsubscribe")), SIGNING
    )
    assert isinstance(one, Report)
    assert (one.became, one.message_id, one.unproven) == (Became.UNSUBSCRIBED, OURS, False)


@pytest.mark.parametrize(
    "subject", ["unsubscribe", f"Re: unsubscribe {OURS}", f"please do not unsubscribe {OURS}"]
)
def test_other_words_about_it_are_an_answer_that_somebody_reads(subject: str) -> None:
    assert reply(mail(Subject=subject)).subject


def test_headers_that_cannot_be_are_read_as_they_stand() -> None:
    raw = mail(Subject="=?no-such?q?=E4?= =?utf-8?b?%%%?=", From="\x00<<>>", Date="Mon, 99 Foo 2026")
    found = reply(raw)
    assert found.sender == ""
    assert found.at is None


def test_the_first_line_of_a_mail_servers_pipe_is_no_part_of_the_mail() -> None:
    assert reply(b"From maria.keller@example.com  Mon Mar  2 12:00:00 2026\n" + mail()).sender == MARIA


@pytest.mark.parametrize("raw", [b"", b"\n\nhello", b"x" * (LARGEST + 1)])
def test_what_is_no_mail_is_refused(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        parse(raw)


def test_parts_within_parts_without_end_end() -> None:
    body, kind = "Ja.", "text/plain"
    for depth in range(200):
        body = f"--b{depth}\nContent-Type: {kind}\n\n{body}\n--b{depth}--\n"
        kind = f"multipart/mixed; boundary=b{depth}"
    assert read(parse(mail(body, Content_Type=kind)), SIGNING)
