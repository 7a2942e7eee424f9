"""Mail that comes in: bounces become reports, answers become replies, and neither is believed unproven.

::

    raw mail ──mail.parse──▶ Mail ──reading.read──▶ Report, Reply …

Pure: who brings the mail (a mail server's pipe, a provider's callback) is not known here.
"""
