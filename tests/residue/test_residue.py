"""After an erasure nothing of the person is readable anywhere, and everybody else is whole."""

import base64
import logging
from pathlib import Path

import pytest

from avow.app import Avow
from avow.residue import scan, writings
from avow.store.keystore import Keystore
from tests.residue.harness import MARK, Plant, given, run


async def test_the_erased_are_in_no_byte_and_the_others_are_whole() -> None:
    figures = await run(count=40, seed=1, people=400)
    assert figures["wrong"] == []


def a_log_that_talks(shop: Avow, folder: Path) -> None:
    """Somebody logs a name."""
    del shop, folder
    logging.getLogger("shop").info("packing for %s", given(1)["name"])


def a_cache_of_keys(shop: Avow, folder: Path) -> None:
    """Somebody keeps keys in a file."""
    keys = [key for key, _ in shop.keystore._cache.values()]
    (folder / "cache.bin").write_bytes(b"".join(key._secret for key in keys))


def a_keystore_that_forgets_to_destroy(shop: Avow, folder: Path) -> None:
    """Erasing leaves the keys where they are."""
    del folder
    shop._gate.keys = _Lazy(shop.keystore)  # type: ignore[assignment]  # the planted defect


class _Lazy:
    def __init__(self, keys: Keystore) -> None:
        self._keys = keys

    def __getattr__(self, name: str) -> object:
        return (lambda _: None) if name == "destroy" else getattr(self._keys, name)


@pytest.mark.parametrize("plant", [a_log_that_talks, a_cache_of_keys, a_keystore_that_forgets_to_destroy])
async def test_the_scan_catches_a_planted_defect(plant: Plant) -> None:
    """AIT-22."""
    figures = await run(count=5, seed=1, people=20, plant=plant)
    assert not figures["ok"]


@pytest.mark.parametrize("shift", range(3))
def test_a_value_inside_a_longer_base64_text_is_found(tmp_path: Path, shift: int) -> None:
    (tmp_path / "file").write_bytes(base64.b64encode(b"x" * shift + b"a secret value here" + b"y" * 7))
    found, _ = scan(tmp_path, {"it": b"a secret value here"})
    assert [one.label for one in found] == ["it"]


def test_a_value_across_two_reads_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avow.residue._CHUNK", 16)
    (tmp_path / "file").write_bytes(b"." * 9 + MARK.encode() * 3 + b"." * 40)
    assert scan(tmp_path, {"it": MARK.encode()})[0]


def test_what_is_too_short_is_not_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="chance"):
        scan(tmp_path, {"it": b"four"})


def test_text_is_looked_for_in_other_case_and_width() -> None:
    assert {b"ADA@EXAMPLE", "ada@example".encode("utf-16-le"), b"6164614065"} <= {
        one[:10] if one.startswith(b"6164614065") else one for one in writings(b"ada@example")
    }
