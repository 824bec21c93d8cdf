"""A folder with a starter policy, and a terminal in it."""

from pathlib import Path

import pytest

from avow.policy.starter import starter
from tests.cli.terminal import Terminal


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one, with the environment of a newcomer on 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    for name in ("AVOW_POLICY", "AVOW_DATABASE", "AVOW_FOLDER", "AVOW_ROOT_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def terminal(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(capsys, monkeypatch)


@pytest.fixture
def policy(here: Path) -> Path:
    (here / "privacy.yaml").write_text(starter())
    return Path("privacy.yaml")


@pytest.fixture
def site(policy: Path, here: Path, monkeypatch: pytest.MonkeyPatch, terminal: Terminal) -> Terminal:
    """A terminal whose environment names a site with three customers."""
    monkeypatch.setenv("AVOW_POLICY", "privacy.yaml")
    monkeypatch.setenv("AVOW_DATABASE", "sqlite:///shop.db")
    (here / "old.csv").write_text(
        "name,email,postal-address,opt-out\n"
        "Ada Quillfeather,ada@quillfeather.example,1 Lantern Lane,\n"
        "Bea Thistledown,bea@thistledown.example,2 Lantern Lane,mail\n"
        "Cy Marrowbone,cy@marrowbone.example,3 Lantern Lane,\n"
    )
    assert terminal("import", "old.csv", "--form", "order", "--source", "old shop").status == 0
    return terminal
