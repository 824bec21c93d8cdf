import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avow.ledger import tree
from avow.ledger.faults import Unproved
from avow.ledger.tree import (
    Frontier,
    Node,
    check_consistency,
    check_inclusion,
    consistency,
    inclusion,
    leaf_hash,
    root_of,
)
from tests.ledger.logs import plain_root

PUBLISHED = json.loads((Path(__file__).parents[1] / "conformance/ledger/rfc6962.json").read_text())
LEAVES = [leaf_hash(bytes.fromhex(one)) for one in PUBLISHED["leaves"]]
ROOTS = [bytes.fromhex(one) for one in PUBLISHED["roots"]]
MANY = [leaf_hash(bytes((number,))) for number in range(70)]


def nodes(leaves: list[bytes]) -> Node:
    def node(level: int, index: int) -> bytes:
        assert (index + 1) << level <= len(leaves), "only complete nodes may be asked for"
        return plain_root(leaves[index << level : (index + 1) << level])

    return node


def proof(case: dict[str, Any]) -> list[bytes]:
    return [bytes.fromhex(one) for one in case["proof"]]


# -- against the published values ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_of_the_published_tree(size: int) -> None:
    assert root_of(LEAVES[:size]) == ROOTS[size]


def test_the_nodes_are_those_of_the_published_tree() -> None:
    row = LEAVES
    for published in PUBLISHED["nodes"]:
        assert [one.hex() for one in row] == published
        row = tree.parents(row) if len(row) > 1 else row


@pytest.mark.parametrize("case", PUBLISHED["inclusion"])
def test_inclusion_proofs_are_made_and_checked_as_published(case: dict[str, Any]) -> None:
    index, size = case["index"], case["size"]
    assert inclusion(index, size, nodes(LEAVES[:size])) == proof(case)
    check_inclusion(LEAVES[index], index, size, proof(case), ROOTS[size])


@pytest.mark.parametrize("case", PUBLISHED["consistency"])
def test_consistency_proofs_are_made_and_checked_as_published(case: dict[str, Any]) -> None:
    old, new = case["old"], case["new"]
    assert consistency(old, new, nodes(LEAVES[:new])) == proof(case)
    check_consistency(old, new, proof(case), ROOTS[old], ROOTS[new])


# -- properties ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", range(70))
def test_growing_in_any_steps_leads_to_the_same_root(size: int) -> None:
    whole, stepped = Frontier(), Frontier()
    whole.extend(MANY[:size])
    for at in range(0, size, 3):
        stepped.extend(MANY[at : min(size, at + 3)])
    assert whole.root() == stepped.root() == plain_root(MANY[:size])
    assert whole.size == stepped.size == size
    assert tree.frontier(size, nodes(MANY[:size])).edge == [*whole.edge]


def test_growing_tells_the_nodes_that_tiles_are_made_of() -> None:
    leaves = [leaf_hash(number.to_bytes(2, "big")) for number in range(600)]
    frontier = Frontier()
    first, second = frontier.extend(leaves[:500]), frontier.extend(leaves[500:])
    assert [*first[0], *second[0]] == leaves
    assert [*first[1], *second[1]] == [plain_root(leaves[:256]), plain_root(leaves[256:512])]


@given(st.integers(1, 70).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1))))
def test_every_leaf_has_a_proof_that_checks(case: tuple[int, int]) -> None:
    size, index = case
    path = inclusion(index, size, nodes(MANY[:size]))
    check_inclusion(MANY[index], index, size, path, plain_root(MANY[:size]))


@given(st.integers(0, 70).flatmap(lambda new: st.tuples(st.integers(0, new), st.just(new))))
def test_every_earlier_tree_has_a_proof_that_checks(case: tuple[int, int]) -> None:
    old, new = case
    path = consistency(old, new, nodes(MANY[:new]))
    check_consistency(old, new, path, plain_root(MANY[:old]), plain_root(MANY[:new]))


@given(st.data())
def test_a_changed_inclusion_proof_does_not_check(data: Any) -> None:
    size = data.draw(st.integers(2, 70))
    index = data.draw(st.integers(0, size - 1))
    path = inclusion(index, size, nodes(MANY[:size]))
    root = plain_root(MANY[:size])
    leaf, at, wide = MANY[index], index, size
    match data.draw(st.sampled_from(["leaf", "index", "flip", "cut", "more", "root"])):
        case "leaf":
            leaf = MANY[(index + 1) % size]
        case "index":
            at = data.draw(st.integers(0, size - 1).filter(lambda other: other != index))
        case "flip":
            path[data.draw(st.integers(0, len(path) - 1))] = bytes(32)
        case "cut":
            path = path[:-1]
        case "more":
            path = [*path, root]
        case "root":
            root = plain_root(MANY[: size - 1])
    with pytest.raises(Unproved):
        check_inclusion(leaf, at, wide, path, root)


@given(st.data())
def test_a_changed_consistency_proof_does_not_check(data: Any) -> None:
    new = data.draw(st.integers(2, 70))
    old = data.draw(st.integers(1, new - 1))
    path = consistency(old, new, nodes(MANY[:new]))
    old_root, new_root = plain_root(MANY[:old]), plain_root(MANY[:new])
    match data.draw(st.sampled_from(["old", "new", "flip", "cut", "more", "swap"])):
        case "old":
            old_root = plain_root(MANY[1 : old + 1])
        case "new":
            new_root = plain_root([*MANY[1:old], MANY[0], *MANY[old:new]]) if old > 1 else bytes(32)
        case "flip":
            path[data.draw(st.integers(0, len(path) - 1))] = bytes(32)
        case "cut":
            path = path[:-1]
        case "more":
            path = [*path, new_root]
        case "swap":
            old_root, new_root = new_root, old_root
    with pytest.raises(Unproved):
        check_consistency(old, new, path, old_root, new_root)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 3), (3, 3)])
def test_a_leaf_outside_of_the_tree_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="is not in a tree"):
        inclusion(index, size, nodes(MANY[:size]))
    with pytest.raises(Unproved):
        check_inclusion(MANY[0], index, size, [], MANY[0])


def test_a_smaller_tree_does_not_begin_with_a_larger_one() -> None:
    with pytest.raises(ValueError, match="does not begin"):
        consistency(3, 2, nodes(MANY[:2]))
    with pytest.raises(Unproved):
        check_consistency(3, 2, [], ROOTS[3], ROOTS[2])


def test_the_empty_tree_is_consistent_with_every_tree_but_only_by_its_own_root() -> None:
    check_consistency(0, 5, [], tree.EMPTY, ROOTS[5])
    with pytest.raises(Unproved):
        check_consistency(0, 5, [], ROOTS[1], ROOTS[5])


def test_hashes_of_another_length_prove_nothing() -> None:
    with pytest.raises(Unproved):
        check_inclusion(b"short", 0, 1, [], b"short")
    with pytest.raises(Unproved):
        check_inclusion(MANY[0], 0, 2, [MANY[1] + b"\x00"], plain_root(MANY[:2]))
