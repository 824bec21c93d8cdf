import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avow.ledger import tiles
from avow.ledger.faults import Malformed, Unproved
from avow.ledger.growth import Edge
from avow.ledger.tiles import Tile, Tiles, bundle, growth, parse_path, split, tiles_of
from avow.ledger.tree import check_consistency, check_inclusion, leaf_hash, root_of
from tests.ledger import logs

PUBLISHED = json.loads((Path(__file__).parents[1] / "conformance/ledger/paths.json").read_text())
ENTRIES = logs.entries(600)
LEAVES = [leaf_hash(one) for one in ENTRIES]


# -- against the published values ----------------------------------------------------------------------------------


@pytest.mark.parametrize("case", PUBLISHED["paths"], ids=lambda case: case["path"])
def test_paths_are_those_of_the_specification(case: dict[str, Any]) -> None:
    tile = Tile(case["level"], case["index"], case["width"])
    assert tile.path == case["path"]
    assert parse_path(case["path"]) == tile


@pytest.mark.parametrize("path", PUBLISHED["no_paths"])
def test_every_other_path_is_refused(path: str) -> None:
    with pytest.raises(Malformed):
        parse_path(path)


@pytest.mark.parametrize(("size", "expected"), [(int(size), one) for size, one in PUBLISHED["tiles_of"].items()])
def test_a_tree_has_the_tiles_that_the_specification_counts(size: int, expected: dict[str, dict[str, int]]) -> None:
    full: dict[str, int] = {}
    partial: dict[str, int] = {}
    for tile in tiles_of(size):
        if tile.level == "entries":
            continue
        if tile.width == tiles.WIDTH:
            full[str(tile.level)] = full.get(str(tile.level), 0) + 1
        else:
            partial[str(tile.level)] = tile.width
    assert {"full": full, "partial": partial} == expected


# -- properties ----------------------------------------------------------------------------------------------------


@given(st.integers(0, 200_000), st.integers(0, 200_000))
@settings(max_examples=30)
def test_growth_is_what_is_new_or_wider(old: int, more: int) -> None:
    new = old + more
    assert set(growth(old, new)) == set(tiles_of(new)) - set(tiles_of(old))


@given(st.lists(st.binary(max_size=1100), max_size=20))
def test_a_bundle_splits_into_its_entries(entries: list[bytes]) -> None:
    assert split(bundle(entries)) == entries


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5), st.integers(1, 41))
def test_a_bundle_cut_short_is_malformed_or_has_fewer_entries(entries: list[bytes], cut: int) -> None:
    data = bundle(entries)[:-cut]
    try:
        assert split(data) == entries[: len(split(data))]
    except Malformed:
        return
    assert len(split(data)) < len(entries)


def test_a_tile_that_ends_inside_a_hash_is_malformed() -> None:
    with pytest.raises(Malformed):
        tiles.hashes(bytes(33))


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 600])
def test_proofs_from_tiles_check_against_the_root(size: int) -> None:
    read = Tiles(logs.log(ENTRIES[:size]).get, size)
    root = root_of(LEAVES[:size])
    assert read.root() == root
    for index in {0, 1, size // 2, size - 1}:
        if index < size:
            check_inclusion(LEAVES[index], index, size, read.inclusion(index), root)
    for old in {0, 1, size // 3, size - 1, size}:
        check_consistency(old, size, read.consistency(old), root_of(LEAVES[:old]), root)


def test_a_proof_can_be_made_for_an_older_size() -> None:
    read = Tiles(logs.log(ENTRIES).get, 600)
    check_inclusion(LEAVES[300], 300, 500, read.inclusion(300, 500), root_of(LEAVES[:500]))
    assert read.root(500) == root_of(LEAVES[:500])


def test_a_partial_tile_that_is_gone_is_read_from_the_full_one() -> None:
    files = logs.log(ENTRIES)
    early = Tiles({path: data for path, data in files.items() if ".p/" not in path}.get, 200)
    assert early.root() == root_of(LEAVES[:200])
    assert early.entries(0) == ENTRIES[:200]
    assert tiles.exact(files.get, Tile("entries", 0, 3)) == bundle(ENTRIES[:3])
    assert tiles.exact(files.get, Tile(0, 0, 3)) == b"".join(LEAVES[:3])


@pytest.mark.parametrize("path", ["tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"])
@pytest.mark.parametrize("data", [None, b""], ids=["missing", "empty"])
def test_a_tile_that_is_not_there_or_too_short_proves_nothing(path: str, data: bytes | None) -> None:
    files = logs.log(ENTRIES)
    if data is None:
        del files[path]
    else:
        files[path] = data
    with pytest.raises(Unproved):
        Tiles(files.get, 600).inclusion(300)


def test_upper_tiles_are_read_once_and_lower_ones_not_kept_for_long() -> None:
    files = logs.log(ENTRIES)
    asked: list[str] = []

    def read(path: str) -> bytes | None:
        asked.append(path)
        return files.get(path)

    log = Tiles(read, 600)
    for index in range(0, 600, 50):
        log.inclusion(index)
    assert asked.count("tile/1/000.p/2") == 1


@given(st.lists(st.integers(1, 400), max_size=5))
@settings(max_examples=20, deadline=None)
def test_growing_in_steps_writes_the_same_files_as_at_once(steps: list[int]) -> None:
    files: dict[str, bytes] = {}
    size = 0
    edge = Edge.of(Tiles(files.get, 0))
    for step in steps:
        more = ENTRIES[size : size + step]
        if not more:
            break
        edge = edge.grown(more)
        assert [tile for tile, _ in edge.files] == list(growth(size, size + len(more)))
        files |= {tile.path: data for tile, data in edge.files}
        size += len(more)
        again = Edge.of(Tiles(files.get, size))
        assert again.frontier.edge == edge.frontier.edge
        assert (again.open_bundle, again.open_tiles) == (edge.open_bundle, edge.open_tiles)
    expected = logs.log(ENTRIES[:size])
    del expected["checkpoint"]
    assert expected.items() <= files.items()
    assert edge.frontier.root() == root_of(LEAVES[:size])
