"""Personal data stay out of addresses and of logs."""

import logging

import pytest

from avow.doors.guard import PathsOnly
from avow.doors.guard.address import troubles
from tests.doors.guard.sites import ECHO, kinds, visit


@pytest.mark.parametrize(
    "address",
    [
        "/user/ada@example.com", "/x?mail=ada@example.com", "/x?mail=ada%40example.com", "/x?mail=ada%2540example.com",
        "/x?to=Ada%20%3Cada%40example.org%3E", "/x?tel=%2B441314960000", "/x?tel=+441314960000", "/call/+441314960000",
        "/x?tel=%2B44%20131%20496%200000", "/x?tel=%2B44-131-496-0000",
    ],
)  # fmt: skip
async def test_an_address_with_a_persons_data_is_refused(address: str) -> None:
    async with visit(ECHO) as (client, reports):
        answer = await client.get(address)
    assert (answer.status_code, kinds(reports)) == (400, ["address"])
    told = answer.text + str(reports)
    assert "ada" not in told
    assert "4960" not in told


@pytest.mark.parametrize(
    "address",
    [
        "/", "/orders/12345678", "/static/logo@2x.png", "/@brand", "/x?q=1+2&since=2014-06-30", "/x?q=4+12345678",
        "/news/2026/11/26/1234567", "/x?page=12&size=100", "/a%20b", "/order/2026-000123456789",
    ],
)  # fmt: skip
async def test_other_addresses_pass(address: str) -> None:
    async with visit(ECHO) as (client, reports):
        assert (await client.get(address)).status_code == 200
    assert reports == []


def test_a_digest_in_a_path_is_no_card_number_and_a_card_number_beside_one_is() -> None:
    digest = "ab4111c1111c1111c1111d" + "0f" * 21  # as one of some 300,000 does, it reads like a card
    assert len(digest) == 64
    assert troubles(f"/changes/{digest}/text".encode(), b"") == ""
    for path in (
        f"/changes/{digest}/4111-1111-1111-1111",
        f"/{digest}0",
        f"/{digest[1:]}",
        "/" + "4111b1111b1111b1111",
    ):
        assert troubles(path.encode(), b"") == "a card number"


def test_an_address_is_looked_at_quickly_however_long() -> None:
    assert troubles(b"/" + b"a" * 50_000 + b"@", b"1 " * 50_000) == ""


# -- access logs ----------------------------------------------------------------------------------------------------


def written(*args: object) -> str:
    record = logging.LogRecord("uvicorn.access", logging.INFO, "", 0, '%s - "%s %s HTTP/%s" %d', args, None)
    return record.getMessage() if PathsOnly().filter(record) else "dropped"


def test_the_access_log_keeps_paths_and_no_query_and_no_address() -> None:
    assert written("203.0.113.9:5", "GET", "/search?q=ada", "1.1", 200) == '- - "GET /search HTTP/1.1" 200'
    assert written("203.0.113.9:5", "GET", "/u/ada@example.com", "1.1", 400) == '- - "GET (hidden) HTTP/1.1" 400'


def test_a_record_of_another_shape_is_dropped() -> None:
    assert written("203.0.113.9:5 did something") == "dropped"
