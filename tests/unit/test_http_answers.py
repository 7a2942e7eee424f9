"""Answers of HTTP/1.1 are read whole, however they are cut on their way, and what is none is refused."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.base import Misconfigured
from channels.http_answers import Nonsense, whole
from channels.http_client import HttpClient

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
SAID = {
    "its length": b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\nX-Id: 7\r\n\r\nhello",
    "chunks": CHUNKED + b"2\r\nhe\r\n3;name=x\r\nllo\r\n0\r\n\r\n",
    "chunks and what follows them": CHUNKED + b"5\r\nhello\r\n0\r\nETag: 1\r\nDate: 2\r\n\r\n",
    "a hint first": b"HTTP/1.1 103 Wait\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
}


@pytest.mark.parametrize("said", SAID.values(), ids=list(SAID))
@given(cuts=st.lists(st.integers(0, 200)))
def test_an_answer_is_there_once_its_last_byte_came_and_not_before(said: bytes, cuts: Sequence[int]) -> None:
    for cut in cuts:
        if cut < len(said):
            assert whole(said[:cut], ended=False) is None
    found = whole(said, ended=False)
    assert found is not None
    answer, stays = found
    assert (answer.is_success, answer.content, stays) == (True, b"hello", True)


def test_its_fields_are_found_in_any_case() -> None:
    said = b"HTTP/1.1 429 Slow\r\nRETRY-after:  7 \r\nVia: a\r\nvia: b\r\nContent-Length: 0\r\n\r\n"
    found = whole(said, ended=False)
    assert found is not None
    headers = found[0].headers
    assert (headers.get("Retry-After"), headers["VIA"], headers.get("Date", "")) == ("7", "a, b", "")


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 None\r\n\r\nHTTP/1.1 200 OK\r\n",
    ],
    ids=["it says so", "an old server", "more came than was asked for"],
)
def test_a_connection_is_not_used_again_where_that_would_be_wrong(said: bytes) -> None:
    found = whole(said, ended=False)
    assert found is not None
    assert not found[1]


def test_without_a_length_the_content_ends_with_the_connection() -> None:
    said = b"HTTP/1.1 500 Oh\r\n\r\nno"
    assert whole(said, ended=False) is None
    found = whole(said, ended=True)
    assert found is not None
    assert (found[0].status_code, found[0].content, found[1]) == (500, b"no", False)


@pytest.mark.parametrize("said", [SAID["its length"][:-1], SAID["chunks"][:-1], b"HTTP/1.1 200 OK\r\n"])
def test_an_answer_that_was_cut_off_is_none(said: bytes) -> None:
    assert whole(said, ended=True) is None


@pytest.mark.parametrize(
    "said",
    [
        b"220 mail.example ESMTP\r\n\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno field\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        CHUNKED + b"x\r\n",
        CHUNKED + b"-2\r\nab\r\n",
        CHUNKED + b"1\r\nab\r\n0\r\n\r\n",
    ],
)
def test_what_is_no_answer_is_refused(said: bytes) -> None:
    with pytest.raises((Nonsense, ValueError)):
        whole(said, ended=False)


@pytest.mark.parametrize(
    "url", ["", "push.example.com", "ftp://push.example.com/x", "https://", "https://[::1/x"]
)
@pytest.mark.anyio
async def test_an_address_that_nobody_can_call_is_our_own_mistake(url: str) -> None:
    with pytest.raises(Misconfigured, match="address"):
        await HttpClient(1).post(url, {}, b"")


@pytest.mark.anyio
async def test_a_header_never_becomes_two() -> None:
    with pytest.raises(Misconfigured, match="header"):
        await HttpClient(1).post("https://push.example.com/x", {"Authorization": "Bearer a\r\nTo: b"}, b"")
