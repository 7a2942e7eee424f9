"""Answers of HTTP/1.1 are read whole, however they are cut on their way, and what is none is refused."""

from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.base import Misconfigured
from channels.http import Answer
from channels.http_answers import MOST, Answers, Nonsense
from channels.http_client import HttpClient

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LENGTH = b"Content-Length: 5\r\n\r\nhello"
SAID = {
    "its length": b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\nX-Id: 7\r\n\r\nhello",
    "chunks": CHUNKED + b"2\r\nhe\r\n3;name=x\r\nllo\r\n0\r\n\r\n",
    "chunks and what follows them": CHUNKED + b"5\r\nhello\r\n0\r\nETag: 1\r\nDate: 2\r\n\r\n",
    "an offer of HTTP/2": b"HTTP/1.1 200 OK\r\nConnection: Upgrade\r\nUpgrade: h2\r\n" + LENGTH,
    "a hint first": b"HTTP/1.1 103 Wait\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
}


def whole(said: bytes) -> tuple[Answer, bool]:
    found = Answers().take(said)
    assert found is not None
    return found


@pytest.mark.parametrize("said", SAID.values(), ids=list(SAID))
@given(cuts=st.lists(st.integers(1, 200), unique=True))
def test_an_answer_is_there_once_its_last_byte_came_and_not_before(said: bytes, cuts: Sequence[int]) -> None:
    answers = Answers()
    places = [0, *sorted(cut for cut in cuts if cut < len(said))]
    for start, end in pairwise(places):
        assert answers.take(said[start:end]) is None
    found = answers.take(said[places[-1] :])
    assert found is not None
    answer, stays = found
    assert (answer.is_success, answer.content, stays) == (True, b"hello", True)


@given(several=st.lists(st.sampled_from(list(SAID.values())), max_size=4))
def test_a_connection_brings_one_answer_after_another(several: Sequence[bytes]) -> None:
    answers = Answers()
    for said in several:
        found = answers.take(said)
        assert found == (whole(said)[0], True)
    assert answers.end() is None


def test_how_much_may_come_is_said_of_each_answer_and_not_of_all() -> None:
    answers = Answers()
    for _ in range(3):
        half = b"x" * (MOST // 2)
        assert answers.take(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(half)) is None
        assert answers.take(half) is not None


def test_its_fields_are_found_in_any_case() -> None:
    said = b"HTTP/1.1 429 Slow\r\nRETRY-after:  7 \r\nVia: a\r\nvia: b\r\nContent-Length: 0\r\n\r\n"
    headers = whole(said)[0].headers
    assert (headers.get("Retry-After"), headers["VIA"], headers.get("Date", "")) == ("7", "a, b", "")


def test_fields_of_a_hint_and_fields_after_the_content_are_none_of_the_answer() -> None:
    assert dict(whole(SAID["a hint first"])[0].headers) == {"content-length": "5"}
    assert dict(whole(SAID["chunks and what follows them"])[0].headers) == {"transfer-encoding": "chunked"}


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 400 Bad\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 400 Bad\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n<html>",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n<html>",
    ],
    ids=["it says so", "an old server", "half of another", "another", "nonsense after it", "both"],
)
def test_a_connection_is_not_used_again_where_that_would_be_wrong(said: bytes) -> None:
    answer, stays = whole(said)
    assert (answer.status_code, answer.content, stays) == (200, b"", False)


@pytest.mark.parametrize("said", [b"HTTP/1.1 204 None\r\n\r\n", b"HTTP/1.1 304 Same\r\n\r\n"])
def test_an_answer_that_has_no_content_is_whole_with_its_head(said: bytes) -> None:
    answer, stays = whole(said)
    assert (answer.content, stays) == (b"", True)


@pytest.mark.parametrize("hint", [b"", b"HTTP/1.1 103 Wait\r\nContent-Type: text/plain\r\n\r\n"])
def test_without_a_length_the_content_ends_with_the_connection(hint: bytes) -> None:
    answers = Answers()
    assert answers.take(hint + b"HTTP/1.1 500 Oh\r\n\r\nn") is None
    assert answers.take(b"o") is None
    answer = answers.end()
    assert answer is not None
    assert (answer.status_code, answer.content) == (500, b"no")


@pytest.mark.parametrize(
    "said",
    [
        b"",
        SAID["its length"][:-1],
        SAID["chunks"][:-1],
        SAID["chunks and what follows them"][:-9],
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 103 Wait\r\n\r\n",
        b"HTTP/1.1 103 Wait\r\n\r\nHTTP/1.1 200 OK\r\n",
    ],
)
def test_an_answer_that_was_cut_off_is_none(said: bytes) -> None:
    answers = Answers()
    assert answers.take(said) is None
    assert answers.end() is None


@pytest.mark.parametrize(
    "said",
    [
        b"220 mail.example ESMTP\r\n\r\n",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno field\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 101 Let us talk\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        CHUNKED + b"x\r\n",
        CHUNKED + b"-2\r\nab\r\n",
        CHUNKED + b"1\r\nab\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * MOST,
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + b"x" * MOST,
    ],
    ids=lambda said: str(said[:60]),
)
def test_what_is_no_answer_is_refused(said: bytes) -> None:
    with pytest.raises(Nonsense):
        Answers().take(said)


@given(st.binary(min_size=1))
def test_what_comes_after_an_answer_never_changes_it(more: bytes) -> None:
    answer, stays = whole(SAID["its length"] + more)
    assert answer == whole(SAID["its length"])[0]
    assert stays is not bool(more.strip(b"\r\n"))  # empty lines are nothing


@given(st.binary())
def test_whatever_comes_nothing_else_is_raised(said: bytes) -> None:
    for begun in (b"", b"HTTP/1.1 200 OK\r\n", CHUNKED):
        answers = Answers()
        with suppress(Nonsense):
            answers.take(begun + said)
        answers.end()


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
