"""When the time of clicks comes nothing of them opens any more, in no copy, and all others are whole."""

from pathlib import Path

import pytest

from avow.app import Avow
from avow.store.keystore import Keystore
from tests.affiliates.harness import Plant, run


async def test_clicks_are_refused_from_the_millisecond_and_unreadable_after_the_sweep() -> None:
    """AIT-8: also by a restore of an older backup."""
    figures = await run(count=40, seed=1)
    assert figures["wrong"] == []


def a_keystore_that_forgets_to_destroy(shop: Avow, folder: Path) -> None:
    """A sweep leaves the keys where they are."""
    del folder
    shop._gate.keys = _Lazy(shop.keystore)  # type: ignore[assignment]  # the planted defect


def a_copy_of_the_wraps(shop: Avow, folder: Path) -> None:
    """Somebody copies the keystore's file beside it."""
    with shop.keystore._wraps.commit():
        pass
    shop.keystore._wraps.copy(folder / "copy.db")


class _Lazy:
    def __init__(self, keys: Keystore) -> None:
        self._keys = keys

    def __getattr__(self, name: str) -> object:
        return (lambda _: None) if name == "destroy" else getattr(self._keys, name)


@pytest.mark.parametrize("plant", [a_keystore_that_forgets_to_destroy, a_copy_of_the_wraps])
async def test_the_search_catches_a_planted_defect(plant: Plant) -> None:
    """AIT-8."""
    figures = await run(count=6, seed=1, plant=plant)
    assert not figures["ok"]
