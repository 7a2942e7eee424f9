"""How somebody answers a mail, how it comes back, and how they have no more of it: addresses that name it."""

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from channels.inbound.signed import Signing
from channels.inbound.signed import Use as Address
from orchestrator.links import Links, Use
from orchestrator.model import STAFF, Kind, Notification
from orchestrator.render.words import LinkWords


@dataclass(frozen=True, slots=True)
class WaysBack:
    """The addresses at which we read about our mail; without one, it is as if there were none.

    ``bounces`` and ``replies`` are mailboxes whose mail comes to us, each made one of a single message by
    ``signing``. ``links`` lead to our web server.
    """

    signing: Signing = field(default_factory=Signing)
    bounces: str = ""
    replies: str = ""
    links: Links | None = None

    def return_path(self, identity: str, own: str = "") -> str:
        """Where bounces of the mail *identity* (a Message-ID) go, or "" for wherever its sender says.

        *own* is a mailbox that was chosen for such mail.
        """
        mailbox = own or self.bounces
        return self.signing.address(mailbox, identity, Address.BOUNCE) if mailbox else ""

    def reply_to(self, identity: str, otherwise: str) -> str:
        """Where answers to it go."""
        return self.signing.address(self.replies, identity, Address.REPLY) if self.replies else otherwise

    def pages(self, identity: str, wanted: Notification, now: datetime) -> LinkWords:
        """The pages of whoever gets the message *identity*; none without a web server."""
        if self.links is None:
            return LinkWords()
        if wanted.kind is Kind.TASK or wanted.role in STAFF:
            return LinkWords(task=self.links.page(Use.TASK, identity, now))
        own = wanted.role == "customer"
        return LinkWords(
            order=self.links.page(Use.ORDER, identity, now),
            preferences=self.links.page(Use.PREFERENCES, identity, now) if own else "",
            reply=self.links.page(Use.REPLY, identity, now),
        )

    def unsubscribe(self, identity: str, otherwise: str) -> dict[str, str]:
        """The headers that stop such mail: by one click (RFC 8058), or by a mail (RFC 2369).

        The mail names ours by its Message-ID and nobody by name; a person who reads it takes it as the
        withdrawal that it is.
        """
        if self.replies:
            mailbox = self.signing.address(self.replies, identity, Address.UNSUBSCRIBE)
        else:
            mailbox = otherwise
        subject = quote(f"unsubscribe {identity.strip('<>')}", safe="@")
        mail = f"<mailto:{quote(mailbox, safe='@+')}?subject={subject}>"
        if self.links is None:
            return {"List-Unsubscribe": mail}
        return {
            "List-Unsubscribe": f"<{self.links.address(Use.UNSUBSCRIBE, identity)}>, {mail}",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
