"""From a notification and an address to the message a channel takes: content, sender, headers."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha1
from typing import Any, Protocol
from uuid import UUID

from markupsafe import escape

from channels.base import Attachment, Message
from orchestrator.errors import RenderError
from orchestrator.journey import Journey, Policy
from orchestrator.model import STAFF, Customer, Kind, Notification, Order, Purpose
from orchestrator.plain_text import one_line
from orchestrator.planning.answering import DO as ANSWER
from orchestrator.planning.by_hand import own_words
from orchestrator.render import several, wording
from orchestrator.render.attachments import File
from orchestrator.render.invitation import Invitation, Somebody, calendar_file
from orchestrator.sending import own_line
from orchestrator.sending.guard import Send
from orchestrator.sending.riders import at_the_end
from orchestrator.sending.senders import Sender
from orchestrator.sending.ways_back import WaysBack
from orchestrator.timing.send_time import recipient

_IDS = UUID("6f0d4f6e-3a55-4a0c-9e3e-0b6c5c1d2a11")  # the name space of our Message-IDs; never change it
UNASKED = frozenset({Purpose.MARKETING, Purpose.RELATIONSHIP})  # mail that everybody must be able to stop
SMALL = "margin:16px;font-size:13px;color:#55626e;text-align:center"


class Rendered(Protocol):
    """What a renderer gives back (:class:`orchestrator.render.Rendered`)."""

    @property
    def subject(self) -> str: ...  # noqa: D102
    @property
    def text(self) -> str: ...  # noqa: D102
    @property
    def html(self) -> str: ...  # noqa: D102
    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def link(self) -> str: ...  # noqa: D102
    @property
    def locale(self) -> str: ...  # noqa: D102
    @property
    def files(self) -> tuple[File, ...]: ...  # noqa: D102
    @property
    def invitation(self) -> Invitation | None: ...  # noqa: D102


class Renders(Protocol):
    """Turns a template and a context into content."""

    def render(self, template: str, channel: str, locale: str, context: Mapping[str, Any]) -> Rendered:
        """Render or raise :class:`orchestrator.errors.RenderError`."""
        ...


def message_id(key: str, channel: str, mailbox: str) -> str:
    """One Message-ID for an entry and channel, for ever (RFC 5322 3.6.4): a repeat is seen as one.

    It is a UUID of version 5 (RFC 9562 5.5); `uuid5` itself takes four times as long.
    """
    domain = mailbox.rpartition("@")[2] or "localhost"
    made = bytearray(sha1(_IDS.bytes + f"{key} {channel}".encode(), usedforsecurity=False).digest())
    made[6] = made[6] & 0x0F | 0x50  # the version
    made[8] = made[8] & 0x3F | 0x80  # the variant
    said = made.hex()
    return f"<{said[:8]}-{said[8:12]}-{said[12:16]}-{said[16:20]}-{said[20:32]}@{domain}>"


def _to_staff(wanted: Notification) -> bool:
    return wanted.kind is Kind.TASK or wanted.role in STAFF


def _lines_along(go: Send) -> list[str]:
    """What colleagues wrote for the other orders that leave in the same message."""
    return [own_words(order) for note, order in go.along if note.role == "customer"]


class Composes(Protocol):
    """Makes a message of what the guard let go."""

    def compose(self, go: Send, order: Order, customer: Customer, journey: Journey, now: datetime) -> Message:
        """Make the message or raise :class:`orchestrator.errors.RenderError`."""
        ...


class Composer:
    """Makes messages; knows the templates, the company, the sender, and where what comes back goes."""

    def __init__(
        self,
        renderer: Renders,
        company: Mapping[str, Any],
        sender: Sender,
        policy: Policy,
        ways: WaysBack | None = None,
    ) -> None:
        self._renderer = renderer
        self._company = company
        self._sender = sender
        self._policy = policy
        self._ways = ways or WaysBack()

    def under(self, policy: Policy) -> "Composer":
        """The same, by what the company settled since."""
        return Composer(self._renderer, self._company, self._sender, policy, self._ways)

    def compose(self, go: Send, order: Order, customer: Customer, journey: Journey, now: datetime) -> Message:
        """Render *go* for its recipient; raises :class:`orchestrator.errors.RenderError`."""
        wanted = go.wanted
        who = recipient(wanted.role, order, customer)
        context = wording.context(wanted, order, customer, journey, self._policy, now, self._company)
        if go.along:
            context["orders"] += several.orders(
                wording.context(note, other, customer, journey, self._policy, now, self._company)
                for note, other in go.along
            )
            context["line"] = "\n".join(filter(None, [context["line"], *_lines_along(go)]))
        kind = self._policy.kind(go.channel)
        brand = context["brand"]
        sender = self._sender.of(wanted.purpose, brand)
        keys = sorted([wanted.key, *(note.key for note, _ in go.along)])
        identity = go.message_id or message_id(" ".join(keys), go.channel, sender.email)
        context["links"] = self._ways.pages(identity, wanted, now)
        content = self._renderer.render(wanted.template, kind, context["locale"], context)
        owner = self._reply_to(wanted, order, customer, brand.key) or sender.reply_to or sender.email
        by_mail, to_customer = kind == "email", not _to_staff(wanted)
        asked_for = not by_mail or wanted.purpose not in UNASKED
        text, html = (content.text, content.html) if asked_for else self._signed(content, brand.imprint)
        text, html = own_line.put(context["line"], kind, text, html)
        files = list(content.files)
        if content.invitation is not None:
            host = Somebody(owner, context["sender"].name)
            made = calendar_file(
                content.invitation, wanted, order, zone=context["zone"], now=now,
                organizer=host, attendee=Somebody(go.to, who.name),
            )  # fmt: skip
            files += [made] if made is not None else []
        return Message(
            id=wanted.key,
            message_id=identity,
            channel=go.channel,
            to=go.to,
            to_name=who.name,
            text=text,
            subject=content.subject,
            html=html,
            title=content.title,
            link=content.link,
            sender=sender.email,
            sender_name=sender.name or str(self._company.get("name", "")),
            reply_to=self._ways.reply_to(identity, owner) if to_customer and by_mail else owner,
            return_path=self._ways.return_path(identity, sender.bounces) if by_mail else "",
            headers={} if asked_for else self._ways.unsubscribe(identity, owner),
            locale=content.locale,
            purpose=wanted.purpose.value,
            collapse_key=f"{wanted.order}/{wanted.rule}",
            at=now,
            others=go.others,
            expires_at=wanted.expires_at,
            attachments=tuple(Attachment(one.name, one.type, one.data, one.cid) for one in files),
        )

    def _signed(self, content: Rendered, imprint: str) -> tuple[str, str]:
        """Its text and HTML with the postal address that such mail must carry, if the template has it not."""
        address = one_line(self._sender.postal_address) or one_line(imprint)
        if not address:
            raise RenderError("mail of this purpose must carry a postal address: set company.postal_address")
        text, html = content.text, content.html
        if address not in text:
            text = f"{text.rstrip()}\n\n{address}\n"
        written = str(escape(address))
        if html and written not in html and address not in html:
            html = at_the_end(html, f'<p style="{SMALL}">{written}</p>')
        return text, html

    def _reply_to(self, wanted: Notification, order: Order, customer: Customer, brand: str) -> str:
        """Every message can be answered: customers reach the owner of the order, colleagues the house.

        Whoever gets a customer's answer as a task answers the customer. Empty for the house; an address that
        was chosen for the purpose goes before the owner's.
        """
        if wanted.template.endswith(f"/{ANSWER}") and customer.email:
            return customer.email
        chosen = self._sender.chosen(wanted.purpose, brand).reply_to
        return chosen or ("" if _to_staff(wanted) else order.owner.email)
