"""A contact address that takes no mail is reported, and asking sends nothing."""

import logging
from pathlib import Path

import pytest

from avow.desk.desk import Desk
from avow.mail.smarthost import Server
from avow.policy.parse import read
from avow.serve.routes import Watch, asking
from tests.desk.beds import POLICIES, SITES, desk
from tests.mail.offices import post_office

AITPRO = read(POLICIES / "aitpro.yaml")


def server(port: int) -> Server:
    return Server.of(f"smtp://127.0.0.1:{port}")


@pytest.mark.parametrize("site", SITES)
async def test_an_address_that_takes_mail_is_well_and_gets_none_by_our_asking(site: str) -> None:
    async with post_office() as (inbox, port):
        assert await asking(server(port))(read(POLICIES / f"{site}.yaml")) == ""
        assert inbox.taken == []


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ("550 5.1.1 no such mailbox", "is not taken"), ("552 5.2.2 full", "is not taken"),
        ("451 4.3.0 later", "could not be asked"),
    ],
)  # fmt: skip
async def test_an_address_that_takes_none_is_told_in_words(says: str, told: str) -> None:
    """AIM-12, AUD-14, AIT-1, TOC-16, DAM-21: a route that bounces is reported."""
    async with post_office() as (inbox, port):
        inbox.says = lambda step: says if step == "RCPT" else None
        found = await asking(server(port))(AITPRO)
        assert told in found
        assert "privacy@" not in found
        assert inbox.taken == []


async def test_a_server_that_is_not_there_is_told_too() -> None:
    async with post_office() as (_, port):
        pass
    assert "could not be asked" in await asking(server(port))(AITPRO)


async def test_the_health_page_says_it_until_it_is_mended(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    answers = ["mail to the contact address is not taken", ""]

    async def ask(_: object) -> str:
        return answers.pop(0)

    async with desk(tmp_path, "aitpro") as bed:
        watch = Watch(ask, bed.policy)
        told = Desk(bed.shop, bytes, faults=watch.faults)
        with caplog.at_level(logging.WARNING):
            await watch.look()
        assert "is not taken" in str((await told.health())["faults"])
        assert "aitpro: mail to the contact address" in caplog.text
        await watch.look()
        assert (await told.health())["faults"] == []


async def test_without_a_mail_server_nothing_is_asked() -> None:
    watch = Watch(None, AITPRO)
    await watch.run()
    assert watch.faults() == []
