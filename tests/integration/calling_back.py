"""A dealership whose messages leave by Twilio, with our server listening for what Twilio says of them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from channels.base import Channel
from channels.reports import Reporting
from channels.sms import SmsChannel
from orchestrator.callbacks import NO_HOUSE, Caller, House
from orchestrator.ledger import Ledger
from orchestrator.model import Consent, Fact
from orchestrator.planning.fold import fold_customer
from orchestrator.web.app import create_app
from orchestrator.web.callbacks import callbacks_router
from orchestrator.web.hearing import called_back, hearing, writing
from tests.contracts.twilio_calling import OURS, TwilioCalling
from tests.contracts.twilio_server import ACCOUNT, SENDER, TOKEN, TwilioServer
from tests.integration.dealership import Dealership, arrived, customer, order
from tests.integration.texting import TEXTED, Texting, to
from tests.serving import served

HOOK = f"{OURS}/callbacks/sms"
MAX_BODY = 65_536


class CallingBack(Texting):
    """The SMS channel, which names where it is called back."""

    def _make(self) -> SmsChannel:
        return to(self._server, connect=5, answer=0.3, callback=HOOK)


def house(folder: Path, twilio: TwilioServer, **more: Any) -> Dealership:
    """A dealership that texts."""
    channels: dict[str, Channel] = {"sms": CallingBack(twilio), **more.pop("channels", {})}
    return Dealership(folder, channels, **{"rules_text": TEXTED, **more})


def text_maria(made: Dealership) -> None:
    """Her car arrives, and she gets a text."""
    made.hear(customer(), order(), arrived())
    made.drain()


def reader(**more: Any) -> SmsChannel:
    """The channel as the web server has it."""
    return SmsChannel(ACCOUNT, TOKEN, sender=SENDER, **{"callback": HOOK, **more})


@contextmanager
def listening(
    made: Dealership,
    readers: Mapping[Caller, Reporting] | None = None,
    *,
    public: str = OURS,
    house: House = NO_HOUSE,
) -> Iterator[TwilioCalling]:
    """Our server, and Twilio calling it."""
    known = readers if readers is not None else {Caller("sms", "sms", answers=True): reader()}
    with writing(made.engine, patience=1) as write:
        take = called_back(made.engine, write, known, made.clock.now, house)
        router = callbacks_router(
            take,
            {caller.name: one for caller, one in known.items()},
            public_url=public,
            now=made.clock.now,
            max_body=MAX_BODY,
        )
        hear = hearing(made.engine, write, made.clock.now)

        async def ready() -> bool:
            return True

        app = create_app(hear, now=made.clock.now, ready=ready, routers=[router])
        with served(app) as url:
            yield TwilioCalling(url, public)


def events(ledger: Ledger, name: str = "BX-1", *, kind: str = "message.") -> list[Fact]:
    """What is known of the messages of an order, as it was heard."""
    with ledger.read() as tx:
        return [fact for fact in tx.order_facts([name])[name] if fact.type.startswith(kind)]


def became(ledger: Ledger, name: str = "BX-1") -> list[str]:
    """What was reported, as it was heard."""
    return [fact.type.removeprefix("message.") for fact in events(ledger, name)]


def consent(ledger: Ledger, who: str = "maria", *, purpose: str = "", channel: str = "sms") -> Consent | None:
    """The last word of a customer on a channel."""
    with ledger.read() as tx:
        return fold_customer(who, tx.customer_facts([who])[who]).consents.get((purpose, channel))
