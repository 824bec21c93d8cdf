"""import, find, export, erase, sweep, backup, restore: on a real site in a folder, and what they say to a mistake."""

import stat
import zipfile
from pathlib import Path

import pytest

from tests.cli.terminal import Ran, Terminal

PERSONAL = ("Ada Quillfeather", "ada@quillfeather.example", "Lantern Lane", "Thistledown", "Marrowbone")


def who(site: Terminal, value: str = "ada@quillfeather.example") -> str:
    (found,) = site("find", "email", "--json", typed=value + "\n").json["subjects"]
    return str(found)


def silent(ran: Ran) -> Ran:
    """Nothing personal on either stream."""
    assert not any(value in ran.out + ran.err for value in PERSONAL)
    return ran


def test_no_command_but_export_prints_a_personal_value(site: Terminal) -> None:
    ada = who(site)
    silent(site("find", "email", typed="ada@quillfeather.example\n"))
    silent(site("import", "old.csv", "--form", "order", "--source", "old shop"))
    silent(site("sweep"))
    silent(site("backup", "copy"))
    silent(site("log", "for-the-auditor"))
    silent(site("erase", ada, "--yes"))
    silent(site("restore", "copy", "--yes"))
    bea = who(site, "bea@thistledown.example")
    assert "bea@thistledown.example" in site("export", bea).out


# -- import --------------------------------------------------------------------------------------------------------


def test_an_import_twice_changes_nothing(site: Terminal) -> None:
    ran = site("import", "old.csv", "--form", "order", "--source", "old shop", "--json")
    assert (ran.status, ran.json) == (0, {"people": 0, "known": 3, "faults": []})


def test_an_import_says_by_line_what_it_left_out_and_why(site: Terminal, here: Path) -> None:
    (here / "more.csv").write_text(
        "name,email,since\nDee,dee@x.example,2020-01-31\nEve,eve@x.example,soon\nFay,4111 1111 1111 1111,\n"
    )
    command = ("import", "more.csv", "--form", "order", "--source", "old shop", "--column", "since=collected")
    ran = site(*command)
    assert ran.status == 1
    assert "1 person imported, 0 already here, 2 left out" in ran.out
    assert "more.csv:3: the column `collected` wants a day" in ran.out
    assert "more.csv:4: the value of `email` holds a payment card number" in ran.out
    assert "4111" not in ran.out + ran.err
    told = site(*command, "--json")
    assert [fault["line"] for fault in told.json["faults"]] == [3, 4]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--form", "ordr"], "`ordr` is no form of the policy; did you mean `order`?"),
        (
            ["--form", "order"],
            "columns `address`, which are no categories of the policy; for each say --column address=",
        ),
        (["--form", "order", "--column", "address=postal-adress"], "did you mean `postal-address`?"),
        (["--form", "order", "--column", "adress=name"], "`x.csv` has no column `adress`; it has `name`, `address`"),
        (["--form", "order", "--column", "address"], "does not say FILE-COLUMN=CATEGORY"),
        (["--form", "order", "--column", "address=postal-address", "--source", " "], "say in `source` where"),
    ],
)
def test_a_mistake_in_an_import_is_told_once_and_nothing_is_taken_in(
    terminal: Terminal, policy: Path, here: Path, more: list[str], said: str
) -> None:
    (here / "x.csv").write_text("name,address\nAda,1 Lantern Lane\nBea,2 Lantern Lane\n")
    at = ("--policy", policy, "--database", "sqlite:///shop.db", "--source", "old shop")
    ran = terminal("import", "x.csv", *at, *more)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.count(said) == 1


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("none.csv", None, "there is no file `none.csv`"),
        ("x.csv", b"\xff\xfe\x00name", "`x.csv` is not UTF-8 text at byte 0"),
        ("x.csv", b'name,email\n"Ada', "is no CSV"),
        ("x.csv", b"name,email\nAda,a@x.example,more\n", "line 2 has another number of fields"),
        ("x.jsonl", b"{name: Ada}\n", "line 1 is no JSON"),
        ("x.jsonl", b'{"name": 3}\n', "line 1 is not an object of texts"),
    ],
)
def test_a_file_that_cannot_be_read_is_said_to_be(
    site: Terminal, here: Path, file: str, content: bytes | None, said: str
) -> None:
    if content is not None:
        (here / file).write_bytes(content)
    ran = site("import", file, "--form", "order", "--source", "old shop")
    assert (ran.status, said in ran.err) == (2, True)


# -- one person ----------------------------------------------------------------------------------------------------


def test_find_reads_the_value_from_what_is_piped_in_and_exits_1_for_nobody(site: Terminal) -> None:
    assert site("find", "email", typed=" ADA@Quillfeather.example\n").status == 0
    ran = site("find", "email", typed="nobody@x.example\n")
    assert (ran.status, ran.out) == (1, "nobody\n")
    assert site("find", "email", "--json", typed="nobody@x.example\n").json == {"subjects": []}


@pytest.mark.parametrize(
    ("category", "said"),
    [
        ("emial", "did you mean `email`?"),
        ("name", "people are not found by `name`; the policy says `look-up` of `email`"),
    ],
)
def test_find_says_what_people_are_found_by(site: Terminal, category: str, said: str) -> None:
    ran = site("find", category, typed="x\n")
    assert (ran.status, said in ran.err) == (2, True)


def test_export_writes_everything_to_a_file_that_only_its_owner_reads(site: Terminal, here: Path) -> None:
    ada = who(site)
    told = site("export", ada).json
    assert {one["category"]: one["value"] for one in told["data"]}["email"] == "ada@quillfeather.example"
    assert told["data"][0]["source"] == "old shop"
    assert told["data"][0]["collected"].endswith("+00:00")
    ran = silent(site("export", ada, "-o", "ada.json"))
    assert ran.status == 0
    assert stat.S_IMODE((here / "ada.json").stat().st_mode) == 0o600
    assert site("export", ada, "-o", "ada.json").status == 2
    assert site("export", ada, "-o", "no/such/ada.json").status == 2
    events = site("export", ada).json["events"]
    assert [one["action"] for one in events].count("export") == 2  # what was not written is not on record


def test_export_into_a_zip_is_the_archive_that_the_person_would_take_home(site: Terminal, here: Path) -> None:
    ran = silent(site("export", who(site), "-o", "ada.zip"))
    assert ran.status == 0
    assert stat.S_IMODE((here / "ada.zip").stat().st_mode) == 0o600
    with zipfile.ZipFile(here / "ada.zip") as archive:
        assert {"everything.html", "everything.json", "tables/data.csv"} <= set(archive.namelist())
        assert "ada@quillfeather.example" in archive.read("everything.html").decode()


def test_a_wrong_id_and_nobodys_id_are_told_apart(site: Terminal) -> None:
    for command in (("export",), ("erase", "--yes")):
        ran = site(*command, "00")
        assert (ran.status, "an id is 32 hexadecimal digits" in ran.err) == (2, True)
        ran = site(*command, "00" * 16)
        assert (ran.status, "nobody is held under this id" in ran.err) == (1, True)


def test_erase_asks_first_and_then_erases_for_good(site: Terminal) -> None:
    ada = who(site)
    ran = site("erase", ada)
    assert (ran.status, "say --yes" in ran.err, "stays: record" in ran.err) == (2, True, True)
    assert site("export", ada).status == 0
    ran = site("erase", ada, "--yes", "--json")
    (stays,) = ran.json["stays"]
    assert (ran.status, ran.json["subject"], ran.json["keys"]) == (0, ada, 1)
    assert (stays["what"], stays["law"]) == ("record", "GDPR, Article 5(2)")
    assert site("export", ada).status == 1


# -- the whole site ------------------------------------------------------------------------------------------------


def test_a_restore_keeps_who_was_erased_erased(site: Terminal) -> None:
    ada, cy = who(site), who(site, "cy@marrowbone.example")
    assert site("backup", "copy").status == 0
    ran = site("backup", "copy")
    assert (ran.status, "`copy` is not empty" in ran.err) == (2, True)
    assert site("erase", ada, "--yes").status == 0
    assert site("restore", "copy").status == 2
    ran = site("restore", "copy", "--yes", "--json")
    assert (ran.status, ran.json) == (0, {"erasures": 1, "endings": 0, "narrowings": 0})
    assert site("export", ada).status == 1
    assert site("export", cy).status == 0
    assert site("verify", "shop.db.avow").status == 0


@pytest.mark.parametrize("source", ["none", "."])
def test_a_restore_from_what_is_no_backup_leaves_the_site_as_it_is(site: Terminal, source: str) -> None:
    assert site("restore", source, "--yes").status == 2
    assert site("find", "email", typed="ada@quillfeather.example\n").status == 0


def test_a_sweep_says_what_it_erased(site: Terminal) -> None:
    assert site("sweep", "--json").json == {"data": 0, "keys": 0, "purged": 0}
    assert "0 data erased" in site("sweep").out


@pytest.mark.parametrize(
    "command",
    [("find", "email"), ("export", "00" * 16), ("erase", "00" * 16, "--yes"), ("sweep",), ("backup", "b"),
     ("restore", ".", "--yes"), ("log", "l"), ("key", "backup", "k"), ("key", "rewrap")],
    ids=lambda command: "-".join(command[:2]),
)  # fmt: skip
def test_a_mistyped_database_makes_no_new_site(
    terminal: Terminal, policy: Path, here: Path, command: tuple[str, ...]
) -> None:
    for database, said in (
        ("sqlite:///typo.db", "there is no site in `typo.db`"),
        ("sqlite:///no/such/shop.db", "there is no folder `no/such`"),
        ("mysql://shop", "`mysql://shop` names no database"),
        ("postgresql://localhost/shop", "say with --folder"),
    ):
        ran = terminal(*command, "--policy", policy, "--database", database, typed="x\n")
        assert (ran.status, said in ran.err) == (2, True), database
    assert [path.name for path in here.iterdir()] == ["privacy.yaml"]


def test_a_policy_of_another_site_is_refused(site: Terminal, here: Path) -> None:
    (here / "other.yaml").write_text((here / "privacy.yaml").read_text().replace("site: my-shop", "site: other-shop"))
    ran = site("sweep", "--policy", "other.yaml")
    assert (ran.status, "is that of site `my-shop`, not of `other-shop`" in ran.err) == (2, True)


def test_a_database_that_is_none_is_refused(site: Terminal) -> None:
    ran = site("sweep", "--database", "sqlite:///old.csv")
    assert (ran.status, "cannot be opened" in ran.err) == (2, True)
