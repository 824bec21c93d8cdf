"""An answer in words says what the answer says."""

import json

from avow.decide.explain import explain
from avow.decide.request import Facts, Request
from avow.decide.table import compile_policy
from tests.decide.small import shop

TABLE = compile_policy(shop())


def test_an_allowance_is_explained_with_its_promises_and_obligations() -> None:
    found = explain(TABLE, Request("mail", "site", "news", ("email",)), Facts.of("consent", "no-opt-out", "in-time"))
    assert found == {
        "allowed": True,
        "promises": ["S-7"],
        "reason": "allowed by S-7",
        "obligations": [{"duty": "opt-out-link", "detail": "", "promise": "S-9"}],
        "missing": [],
        "words": "`mail` of `email` for `news` by `site`: allowed by S-7. Every message carries a way out (S-9).",
    }
    assert json.loads(json.dumps(found)) == found


def test_a_refusal_is_explained_with_what_is_missing() -> None:
    found = explain(TABLE, Request("share", "site", "order", ("name",), "police"), Facts.of("in-time"))
    assert (found["allowed"], found["promises"], found["missing"]) == (False, ["S-4"], ["case"])
    assert found["words"].startswith("`share` of `name` for `order` by `site` with `police`: refused by S-4, for ")


def test_default_deny_and_own_rights_are_said_as_such() -> None:
    nothing = explain(TABLE, Request("use", "site", "gossip", ("name",)), Facts(0))
    assert "refused by default deny, for the purpose is not one" in nothing["words"]
    own = explain(TABLE, Request("correct", "person", "rights", ("name",)), Facts.of("identified", "in-time"))
    assert own["allowed"]
    assert own["reason"] == "it serves the person's own rights, which need no promise"


def test_what_is_collected_says_when_it_is_erased() -> None:
    found = explain(TABLE, Request("collect", "person", "order", ("name",), None, "order"), Facts.of("volunteered"))
    assert found["words"].endswith("through `order`: allowed by S-1. It is erased after 30 days (S-1).")
