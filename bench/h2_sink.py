"""An HTTP/2 server that takes every request and forgets it, in a process of its own: it costs us nothing.

``python -m bench.h2_sink CERTIFICATE`` prints its port, answers each line on its input with how many requests
it took, and ends with its input.
"""

import asyncio
import sys

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, StreamEnded

from bench import sink


class Streams(asyncio.Protocol):
    """One connection, requests beside each other."""

    taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._speaking = H2Connection(H2Configuration(client_side=False))
        self._speaking.initiate_connection()
        transport.write(self._speaking.data_to_send())

    def data_received(self, data: bytes) -> None:
        for event in self._speaking.receive_data(data):
            if isinstance(event, DataReceived):
                self._speaking.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, StreamEnded):
                Streams.taken += 1
                self._speaking.send_headers(event.stream_id, [(":status", "200")], end_stream=True)
        self._transport.write(self._speaking.data_to_send())


if __name__ == "__main__":
    asyncio.run(sink.serve(Streams, sink.encrypting(sys.argv[1], "h2")))
