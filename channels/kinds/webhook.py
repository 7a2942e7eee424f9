"""Webhooks: settings and abilities."""

from channels.base import Abilities, AfterUnknown, Channel
from channels.endpoints import Endpoint
from channels.plugin import Kind
from channels.settings import ChannelSettings


class Webhook(Endpoint, ChannelSettings):
    """Messages to a program of one's own, signed as Standard Webhooks says."""

    needed = ("url", "secret")


def _make(name: str, settings: Webhook) -> Channel:
    from channels.webhook import WebhookChannel

    return WebhookChannel(
        name,
        settings.url,
        settings.signers(),
        allowed=settings.networks(),
        timeout=settings.timeout.total_seconds(),
    )


KIND = Kind(
    summary="signed messages to a program of one's own",
    settings=Webhook,
    abilities=Abilities(rings=False, after_unknown=AfterUnknown.REPEAT),
    make=_make,
)
