"""What reads callbacks of providers beside a channel: names → kinds, built in or of packages.

A built-in reporter is one short file here that declares itself as a plugin does: ``REPORTER``, a
:class:`~channels.plugin.Reporter`.
"""

from collections.abc import Mapping

from channels.base import Misconfigured
from channels.declared import Declared
from channels.plugin import REPORTERS, Reporter
from channels.reports import Reporting
from channels.settings import ReporterSettings

BUILT_IN: Mapping[str, str] = {
    "amazon_ses": "channels.reporters.amazon_ses:REPORTER",
    "mailgun": "channels.reporters.mailgun:REPORTER",
    "postmark": "channels.reporters.postmark:REPORTER",
    "sendgrid": "channels.reporters.sendgrid:REPORTER",
}
"""Kinds that come with us, declared as a plugin's are (``module:attribute``)."""

KINDS = Declared(REPORTERS, BUILT_IN, Reporter)


def build(name: str, settings: ReporterSettings) -> Reporting:
    """Make the reporter of the table ``[callbacks.name]``; raises :class:`~channels.base.Misconfigured`."""
    of = settings.kind or name
    kind = KINDS.find(of)
    if kind is None:
        raise Misconfigured(f"there is no kind of reporter called {of!r}")
    if not isinstance(settings, kind.settings):
        raise Misconfigured(f"the settings of callbacks.{name} are not those of a {of!r}")
    return kind.make(settings)
