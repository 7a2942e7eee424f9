"""Whom a message comes from: by its purpose and its brand, so that one kind of mail cannot harm another."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.facts import value
from orchestrator.model import Purpose
from orchestrator.render.words import Brand


@value(frozen=True, slots=True)
class From:
    """A sender; what is empty is left to whoever is asked next."""

    email: str = ""
    name: str = ""
    reply_to: str = ""
    bounces: str = ""

    def over(self, other: "From") -> "From":
        """The same, with what it leaves empty taken from *other*."""
        return From(
            self.email or other.email,
            self.name or other.name,
            self.reply_to or other.reply_to,
            self.bounces or other.bounces,
        )


NOBODY = From()
Purposes = Mapping[Purpose, From]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who our messages come from: the house, what it is for a purpose, and what each brand is for one.

    Marketing leaves best from an address of its own (Gmail's sender rules).
    """

    email: str = "hello@example.com"
    name: str = ""
    reply_to: str = ""
    postal_address: str = ""
    purposes: Purposes = field(default_factory=dict)
    brands: Mapping[str, Purposes] = field(default_factory=dict)

    def chosen(self, purpose: Purpose, brand: str) -> From:
        """What is settled for this purpose: a brand's own, and else the house's."""
        return self.brands.get(brand, {}).get(purpose, NOBODY).over(self.purposes.get(purpose, NOBODY))

    def of(self, purpose: Purpose, brand: Brand) -> From:
        """Whom a message comes from: what is chosen for its purpose, else the brand's, else the house's."""
        general = From(brand.sender_email, brand.sender_name, brand.reply_to)
        return self.chosen(purpose, brand.key).over(general).over(From(self.email, self.name, self.reply_to))
