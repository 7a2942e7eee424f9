"""What every channel promises, as tests that any channel can be put to, ours and those of other packages.

It needs pytest (``pip install beforehand[test]``); nothing that runs in production imports it.
"""

import pytest

pytest.register_assert_rewrite("channels.contract.suite")

from channels.contract.http_server import Answer, HttpServer, Request  # noqa: E402
from channels.contract.suite import MESSAGE, ChannelContract, FakeProvider, Seen  # noqa: E402

__all__ = ["MESSAGE", "Answer", "ChannelContract", "FakeProvider", "HttpServer", "Request", "Seen"]
