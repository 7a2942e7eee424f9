"""Who stands before a page: a link proves which message it stood in, and that is all anybody has to show."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from fastapi import Response

from orchestrator.errors import LedgerError
from orchestrator.ledger import Transaction
from orchestrator.links import BadLink, ExpiredLink, Links, Proof, Use
from orchestrator.model import STAFF
from orchestrator.render import wording
from orchestrator.render.page_words import PageWords, words
from orchestrator.render.telephones import as_dialled
from orchestrator.render.words import Brand, Contact
from orchestrator.views.reader import Reader, reader
from orchestrator.web.customer.paper import House
from orchestrator.web.desk import Desk


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever came by a link of a message: what they may see, in their language and their brand."""

    proof: Proof
    reader: Reader
    say: PageWords
    brand: Brand
    sender: Contact
    place: str
    phone: str
    at: datetime

    @property
    def message_id(self) -> str:
        """The message the link stood in."""
        return self.proof.message_id

    @property
    def who(self) -> str:
        """Whom they write to: the person who looks after them, else the house."""
        return self.sender.name or self.say("tracker.us")


_Serve = Callable[[Transaction, Visitor], Response]
_Through = Callable[[Callable[[Transaction], Response | None]], Awaitable[Response | None]]


@dataclass(frozen=True, slots=True)
class Entrance:
    """Lets in whoever has a link that we made, for the page it was made for."""

    desk: Desk
    links: Links
    house: House

    async def open(self, use: Use, token: str, look: Callable[[Transaction, Visitor], Response]) -> Response:
        """Return what *look* makes of the visitor, or the page that says why nobody comes in."""
        return await self._let_in(use, token, look, self.desk.read)

    async def act(self, use: Use, token: str, work: Callable[[Transaction, Visitor], Response]) -> Response:
        """Do what the visitor asks in one transaction, and return the page that says so."""
        return await self._let_in(use, token, work, self.desk.change)

    async def _let_in(self, use: Use, token: str, serve: _Serve, through: _Through) -> Response:
        say, at = words(self.house.locale), self.desk.now()
        try:
            proof = self.links.behind(use, token, at)

            def served(tx: Transaction) -> Response | None:
                visitor = self.visitor(tx, use, proof, at)
                return serve(tx, visitor) if visitor is not None else None

            found = await through(served)
        except BadLink as error:
            return self.house.gone(say, expired=isinstance(error, ExpiredLink))
        except LedgerError:
            return self.house.away(say)
        return found if found is not None else self.house.gone(say, expired=True)

    def visitor(self, tx: Transaction, use: Use, proof: Proof, at: datetime) -> Visitor | None:
        """Whoever may see that page by what a link proves; ``None`` for nobody any more."""
        found = reader(self.desk.engine, tx, proof.message_id, at)
        if found is None or not _is_for(use, found.role):
            return None
        one = found.first
        note, company = one.entry.wanted, self.house.company
        context = wording.context(
            note, one.order, one.customer, one.journey, found.sight.book.policy, at, company
        )
        locale = wording.locale_of(note, one.order, one.customer, company)
        return Visitor(
            proof=proof,
            reader=found,
            say=words(locale, self.house.locale),
            brand=context["brand"],
            sender=context["sender"],
            place=context["location"].name or context["brand"].name,
            phone=as_dialled(context["sender"].phone or context["location"].phone),
            at=at,
        )

    def path(self, use: Use, visitor: Visitor) -> str:
        """The way to one of the visitor's pages here; it opens no longer than the link they have."""
        return f"/{use}/{self.links.token_until(use, visitor.proof)}"


def _is_for(use: Use, role: str) -> bool:
    if use is Use.TASK:
        return role in STAFF
    return role == "customer" or (use is not Use.PREFERENCES and role not in STAFF)
