"""The contract of channels is shipped, for channels of other packages: :mod:`channels.contract`."""

from channels.contract import MESSAGE, ChannelContract, FakeProvider, Seen

__all__ = ["MESSAGE", "ChannelContract", "FakeProvider", "Seen"]
