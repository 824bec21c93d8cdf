"""Applications are let in, and let go, from the command line."""

import json

from tests.cli.terminal import Terminal


def test_a_sender_is_let_in_once_and_let_go(site: Terminal) -> None:
    added = site("sender", "add", "shop", "--purpose", "order", "--json")
    assert added.status == 0
    told = json.loads(added.out)
    assert (told["name"], told["purposes"], len(told["password"]) > 40) == ("shop", ["order"], True)
    assert site("sender", "add", "shop", "--purpose", "order").status == 2
    assert site("sender", "add", "other", "--purpose", "favour").status == 2
    assert site("sender", "add", "other", "--purpose", "order", "--colleague", "nobody").status == 2
    shown = site("sender", "add", "other", "--purpose", "order", "--purpose", "answer")
    assert (shown.status, "Avow-Purpose" in shown.out) == (0, True)
    assert "nothing any more" in site("sender", "remove", "shop").out
    assert site("sender", "remove", "shop").status == 2
