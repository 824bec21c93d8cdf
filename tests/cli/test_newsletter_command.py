"""`avow newsletter`: what it says where it cannot send."""

from pathlib import Path

from tests.cli.terminal import Terminal
from tests.desk.beds import POLICIES

POLICY = POLICIES / "daminion.yaml"


def test_without_a_vault_or_a_message_it_says_what_to_do(terminal: Terminal, tmp_path: Path) -> None:
    news = tmp_path / "news.eml"
    news.write_bytes(b"Subject: x\n\nx\n")
    site = ("--policy", POLICY, "--database", f"sqlite:///{tmp_path}/shop.db", "--purpose")
    assert "avow serve" in terminal("newsletter", news, *site, "mailing-list").err
    assert "did you mean `mailing-list`" in terminal("newsletter", news, *site, "mailinglist").err
    assert "cannot be read" in terminal("newsletter", tmp_path / "none.eml", *site, "mailing-list").err
    news.write_bytes(b"")
    ran = terminal("newsletter", news, *site, "mailing-list")
    assert (ran.status, "is no newsletter" in ran.err) == (2, True)
