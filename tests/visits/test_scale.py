"""The harnesses of the campaign, small."""

import pytest

from tests.visits.scale import ingest, size

SITES = ("aitoc", "daminion", "aitpro")


@pytest.mark.parametrize("site", SITES)
async def test_every_visit_is_counted_in_few_bytes(site: str) -> None:
    found = await size(3_000, 1, site)
    assert found["ok"]
    assert found["bytes"] < 200_000


@pytest.mark.parametrize("site", SITES)
async def test_every_visit_by_way_of_a_request_is_counted(site: str) -> None:
    assert (await ingest(2_000, 1, site))["ok"]
    assert not (await ingest(2_000, 1, site, pace=1e9))["ok"]
