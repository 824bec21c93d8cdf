"""init, check, explain, render, diff: what they answer, and what they say to a mistake."""

import json
import re
from pathlib import Path

import pytest

from avow.policy.parse import read
from tests.cli.terminal import Terminal
from tests.policy.five import FOLDER, NEXT

FIVE = sorted((Path(__file__).parents[2] / "policies").glob("*.yaml"))


def test_init_writes_a_policy_that_checks_clean_and_never_overwrites_one(terminal: Terminal, here: Path) -> None:
    ran = terminal("init", "mine.yaml")
    assert (ran.status, "avow check mine.yaml" in ran.out) == (0, True)
    assert terminal("check", "mine.yaml").status == 0
    (here / "mine.yaml").write_text("my own work")
    ran = terminal("init", "mine.yaml")
    assert (ran.status, ran.out) == (2, "")
    assert "`mine.yaml` is there already" in ran.err
    assert (here / "mine.yaml").read_text() == "my own work"


@pytest.mark.parametrize(
    ("file", "said"), [(".", "is a folder"), ("no/such/privacy.yaml", "there is no folder `no/such`")]
)
def test_init_says_where_it_cannot_write(terminal: Terminal, file: str, said: str) -> None:
    ran = terminal("init", file)
    assert (ran.status, said in ran.err) == (2, True)


# -- check ---------------------------------------------------------------------------------------------------------


def test_check_has_the_fixed_shape_in_json(terminal: Terminal) -> None:
    ran = terminal("check", *FIVE, "--json")
    assert ran.status == 0
    assert [one["site"] for one in ran.json["policies"]] == [path.stem for path in FIVE]
    for one in ran.json["policies"]:
        assert {"site", "version", "promises", "faults", "nevers", "space", "seconds"} <= set(one)
        assert one["faults"] == []
        assert one["nevers"]
        for never in one["nevers"]:
            assert never["promise"] in one["promises"]
            assert never["proved"] is True
            assert never["decisions"] > 0
            assert isinstance(never["unless"], list)
    assert sum(len(one["promises"]) for one in ran.json["policies"]) == 92


def test_check_prints_each_promise_once_within_eighty_columns_and_its_exceptions(terminal: Terminal) -> None:
    ran = terminal("check", next(path for path in FIVE if path.stem == "audiomidi"))
    lines = ran.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("AUD-11 ") for line in lines) == 1
    assert "unless request, or consent" in ran.out
    assert "all proved" in lines[-2]


def test_check_tells_every_fault_with_its_place_and_what_to_do(terminal: Terminal, here: Path) -> None:
    (here / "bad.yaml").write_text("avow: 1\nsit: x\nversion: soon\n")
    ran = terminal("check", "bad.yaml", "--json")
    assert ran.status == 1
    (one,) = ran.json["policies"]
    assert (one["site"], one["nevers"]) == ("", [])
    assert all(set(fault) == {"line", "column", "message", "help"} for fault in one["faults"])
    assert {(fault["line"], fault["column"]) for fault in one["faults"]} >= {(2, 1), (3, 10)}
    ran = terminal("check", "bad.yaml")
    assert "bad.yaml:2:1: `sit` is not a key of the policy\n    help: did you mean `site`?" in ran.out


@pytest.mark.parametrize("form", ["html", "text", "jsonld"])
def test_a_policy_page_that_was_edited_by_hand_is_noticed_with_the_promises_that_were_touched(
    terminal: Terminal, here: Path, form: str
) -> None:
    """DAM-22: the page is the policy's own, so text and behaviour cannot differ."""
    policy = next(path for path in FIVE if path.stem == "daminion")
    page = here / "published"
    assert terminal("render", policy, "--to", form, "--output", page).status == 0
    assert terminal("check", policy, "--page", page).status == 0
    published = page.read_text()
    for edited, ids in (
        (published.replace("Nobody buys your name", "Somebody buys your name"), ["DAM-1"]),
        (published.replace("DAM-22", "DAM-222"), ["DAM-22"]),
        (published.rstrip() + "\nWe may change all of this.\n", []),
        ("", [promise.id for promise in read(policy).promises]),
    ):
        page.write_text(edited)
        ran = terminal("check", policy, "--page", page, "--json")
        assert ran.status == 1
        said = ran.json["policies"][0]["page"]
        assert re.findall(r"DAM-\d+", said["message"]) == ids
        assert edited.splitlines()[: said["line"] - 1] == published.splitlines()[: said["line"] - 1]
    said = terminal("check", policy, "--page", page)
    assert f"{page}:1:1: this is not what the policy says" in said.out
    assert "makes it anew" in said.out


def test_a_page_is_checked_against_one_policy_and_has_to_be_a_text(terminal: Terminal, here: Path) -> None:
    (here / "page").write_bytes(b"\xff\xfe")
    assert "one policy" in terminal("check", *FIVE, "--page", "page").err
    assert "is not a text file" in terminal("check", FIVE[0], "--page", "page").err
    assert "No such file" in terminal("check", FIVE[0], "--page", "nowhere").err


def test_check_shows_a_promise_that_another_one_breaks(terminal: Terminal, policy: Path) -> None:
    text = policy.read_text().replace(
        "never: {do: [collect], categories: [card]}", "never: {do: [use], categories: [email]}"
    )
    policy.write_text(text)
    ran = terminal("check", policy)
    assert ran.status == 1
    assert "privacy.yaml:" in ran.out
    assert "P-4" in ran.out


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("missing.yaml", "there is no file `missing.yaml`; `avow init missing.yaml` writes"),
        (".", "`.` is a folder"),
        ("picture.png", "`picture.png` is not a text file"),
    ],
)
def test_what_is_no_policy_file_is_said_clearly_and_the_others_are_checked(
    terminal: Terminal, policy: Path, here: Path, file: str, said: str
) -> None:
    (here / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    for more in ((), ("--json",)):
        ran = terminal("check", file, policy, *more)
        assert (ran.status, said in ran.err, "my-shop" in ran.out) == (2, True, True)
    for command in (f"render {file}", f"diff {policy} {file}", f"explain {file} use email --for news"):
        ran = terminal(*command.split())
        assert (ran.status, ran.out, said in ran.err) == (2, "", True)


# -- explain -------------------------------------------------------------------------------------------------------


def test_explain_says_yes_with_the_promise_and_its_words(terminal: Terminal, policy: Path) -> None:
    ask = ("explain", policy, "use", "postal-address", "--for", "order", "--by", "fulfilment")
    held = ("--given", "request", "--given", "standing", "--given", "in-time")
    ran = terminal(*ask, *held)
    assert ran.status == 0
    assert ran.out.startswith("yes: allowed by P-1\n  P-1  To order, you give us your name")
    told = terminal(*ask, *held, "--json").json
    assert (told["allowed"], told["promises"], told["obligations"]) == (True, ["P-1"], [])
    assert isinstance(told["reason"], str)


def test_explain_says_no_and_what_would_make_it_yes(terminal: Terminal, policy: Path) -> None:
    ask = ("explain", policy, "use", "email", "--for", "news")
    ran = terminal(*ask)
    assert (ran.status, "no: " in ran.out) == (1, True)
    assert "yes with: --given consent --given in-time" in ran.out
    assert terminal(*ask, "--given", "consent", "--given", "in-time").status == 0
    told = terminal(*ask, "--json")
    assert told.status == 1
    assert (told.json["allowed"], told.json["promises"]) == (False, ["P-3"])


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        pytest.param("uze email --for news", "`uze` is no action; did you mean `use`?", id="action"),
        pytest.param("use emial --for news", "`emial` is no category of the policy; did you mean `email`?", id="category"),
        pytest.param("use email --for newz", "`newz` is no purpose of the policy; did you mean `news`?", id="purpose"),
        pytest.param("use email --for news --by suport", "did you mean `support`? choose from `person`", id="actor"),
        pytest.param("sell email --for news --to payment", "did you mean `payments`?", id="recipient"),
        pytest.param("collect email --for news --form ordr", "did you mean `order`?", id="form"),
        pytest.param("use email --for news --given consnt", "`consnt` is no condition; did you mean `consent`?", id="fact"),
        pytest.param("use email --for zzz", "`zzz` is no purpose of the policy; choose from `order`", id="no-guess"),
        pytest.param("use email", "say what for, with --for", id="no-purpose"),
        pytest.param("share email --for news", "`share` asks for --to", id="no-recipient"),
        pytest.param("collect email --for news", "`collect` asks for --form", id="no-form"),
        pytest.param("use email --for news --to payments", "`use` takes no --to", id="a-recipient-too-many"),
    ],
)  # fmt: skip
def test_explain_meets_an_unknown_word_with_a_guess_and_the_words_there_are(
    terminal: Terminal, policy: Path, ask: str, said: str
) -> None:
    ran = terminal("explain", policy, *ask.split())
    assert (ran.status, ran.out) == (2, "")
    assert said in ran.err


def test_explain_needs_no_purpose_for_the_persons_own_rights(terminal: Terminal, policy: Path) -> None:
    held = ("--given", "identified", "--given", "in-time")
    assert terminal("explain", policy, "access", "email", "--by", "person", *held).status == 0


# -- render, diff --------------------------------------------------------------------------------------------------


def test_render_names_every_promise_in_each_form(terminal: Terminal, policy: Path, here: Path) -> None:
    for form in ("text", "html", "jsonld"):
        ran = terminal("render", policy, "--to", form, "--output", f"out.{form}")
        assert (ran.status, ran.out) == (0, "")
        text = (here / f"out.{form}").read_text()
        assert all(f"P-{n}" in text for n in range(1, 11))
    json.loads((here / "out.jsonld").read_text())
    assert terminal("render", policy).out == (here / "out.text").read_text()


def test_render_does_not_overwrite_the_policy(terminal: Terminal, policy: Path) -> None:
    before = policy.read_text()
    assert terminal("render", policy, "-o", "./privacy.yaml").status == 2
    assert policy.read_text() == before


def test_diff_says_what_answers_show_then_what_none_shows_and_at_last_what_comes_first(terminal: Terminal) -> None:
    """And by whose promise: in the five policies' own terms."""
    ran = terminal("diff", FOLDER / "aitpro.yaml", NEXT / "aitpro.yaml")
    leads = [line[:11].strip() for line in ran.out.splitlines() if line[:1].strip()]
    order = ["wider", "narrower", "retention", "rights", "declared", "new", "changed", "words only", "first"]
    assert list(dict.fromkeys(leads))[: len(order)] == order
    assert "answered within 14 days now, before answered within 30 days (AIT-18)" in " ".join(ran.out.split())
    assert "until the notice has arrived (AIT-17)" in " ".join(ran.out.split())


def test_diff_says_yes_to_what_is_no_wider_and_no_to_what_is(terminal: Terminal, policy: Path, here: Path) -> None:
    assert terminal("diff", policy, policy).status == 0
    wider = policy.read_text().replace(
        "by: [support], needs: [request]}", "by: [support, fulfilment], needs: [request]}"
    )
    (here / "next.yaml").write_text(wider)
    ran = terminal("diff", policy, "next.yaml")
    assert ran.status == 1
    assert "wider      use name, email, message for answer by fulfilment" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80
    told = terminal("diff", policy, "next.yaml", "--json")
    assert (told.status, told.json["wider"], len(told.json["widened"])) == (1, True, 4)
    assert {step["duty"] for step in told.json["first"]} <= {"post", "announce", "contact-affected", "ask"}
    assert terminal("diff", "next.yaml", policy).status == 0
