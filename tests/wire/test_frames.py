"""Frames are read strictly: what is ambiguous, too long, too deep or no text is hung up on."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avow.wire.frames import CALL, DEPTH, BadFrame, decode, encode
from avow.wire.server import CONNECTIONS
from tests.wire.works import raw, working

# -- who speaks badly --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [
        {"id": 1, "call": "__class__", "with": {}}, {"id": 1, "call": "begun", "with": {}},
        {"id": 1, "call": "until_begun", "with": {"number": 0}}, {"id": 1, "call": "echo", "with": {}},
        {"id": 1, "call": "echo", "with": {"text": 1}}, {"id": 1, "call": "echo", "with": {"text": "a", "by": "me"}},
        {"id": 1, "call": "echo", "with": ["a"]}, {"id": 1, "call": None, "with": {}}, {"id": 1, "call": {}, "with": {}},
    ],
)  # fmt: skip
async def test_what_the_contract_does_not_have_is_refused(tmp_path: Path, frame: dict[str, object]) -> None:
    async with working(tmp_path) as (_, client, address), raw(address) as (pipe, _writer):
        await pipe.write(frame)
        assert (await pipe.read() or {})["fault"]["name"] == "CallError"
        assert await client.echo("on") == "on"


@pytest.mark.parametrize(
    "sent",
    [
        b"\xff\xff\xff\xff", (CALL + 17).to_bytes(4) + b"x", b"\0\0\0\2[]", b"\0\0\0\1{", b"\0\0\0\4nul\xff",
        b"\0\0\0\2{}", b'\0\0\0\x22{"id":true,"call":"echo","with":{}}', b"GET / HTTP/1.1\r\n\r\n", b"\0\0",
    ],
)  # fmt: skip
async def test_who_does_not_speak_the_protocol_is_hung_up_on(tmp_path: Path, sent: bytes) -> None:
    async with working(tmp_path) as (_, client, address), raw(address) as (pipe, writer):
        writer.write(sent)
        if len(sent) < 4:
            writer.write_eof()
        async with asyncio.timeout(10):
            assert await pipe.read() is None
        assert await client.echo("on") == "on"


async def test_more_connections_than_there_is_room_for_are_hung_up_on(tmp_path: Path) -> None:
    async with working(tmp_path) as (_, client, address):
        await client.echo("first")
        pipes = [await asyncio.open_unix_connection(address) for _ in range(CONNECTIONS)]
        ends = [asyncio.create_task(reader.read(1)) for reader, _ in pipes]
        async with asyncio.timeout(10):
            assert sorted([await end for end in ends]) == [b"", *[b"\0"] * (CONNECTIONS - 1)]
        for _, writer in pipes:
            writer.close()
        assert await client.echo("on") == "on"


# -- frames ------------------------------------------------------------------------------------------------------------


@given(
    st.recursive(
        st.none() | st.booleans() | st.text() | st.integers(-(2**62), 2**62),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    )
)
def test_what_is_plain_comes_back_as_it_was(value: object) -> None:
    try:
        assert decode(encode({"it": value})) == {"it": value}
    except BadFrame:
        assert str(value).count("[") + str(value).count("{") >= DEPTH


@given(st.binary(max_size=64))
def test_bytes_that_are_no_frame_are_never_more_than_a_bad_frame(raw: bytes) -> None:
    with suppress(BadFrame):
        assert isinstance(decode(raw), dict)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}', '{"a":NaN}', '{"a":1e999}', '{"a":' + "9" * 20 + "}", '{"a":"\\ud800"}', "[" * 100_000,
        '{"a":' * DEPTH + "[]" + "}" * DEPTH, '{"\\ud800":1}', "", "1", "{} {}",
    ],
)  # fmt: skip
def test_json_that_is_ambiguous_too_deep_or_no_text_is_no_frame(text: str) -> None:
    with pytest.raises(BadFrame):
        decode(text.encode())
