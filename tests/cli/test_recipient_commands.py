"""Recipients are put on file from the command line, and their private key goes to one file that its owner alone reads."""

import json
from pathlib import Path

from tests.cli.terminal import Terminal


def test_the_private_key_goes_to_a_new_file_that_its_owner_alone_reads(site: Terminal, here: Path) -> None:
    assert site("recipient", "add", "payments", "--private", "key.json").status == 0
    file = here / "key.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "d" in json.loads(file.read_text())
    assert site("recipient", "add", "third-party:Acme", "--private", "key.json").status == 2
    (here / "link.json").symlink_to(here / "elsewhere.json")
    assert site("recipient", "add", "third-party:Acme", "--private", "link.json").status == 2
    assert not (here / "elsewhere.json").exists()


def test_where_no_file_can_be_written_nobody_is_put_on_file(site: Terminal, here: Path) -> None:
    assert site("recipient", "add", "payments", "--private", "no-such-folder/key.json").status == 2
    assert site("recipient", "remove", "payments").status == 2  # nobody is on file
    assert site("recipient", "add", "payments", "--private", "key.json").status == 0
    assert site("recipient", "add", "payments", "--private", "other.json").status == 2
    assert not (here / "other.json").exists()
    assert site("recipient", "add", "x", "--private", "b.json", "--key", "key.json").status == 2
