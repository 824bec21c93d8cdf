"""The language's document says what the code does: every word, and every example of a clause."""

import itertools
import re
from pathlib import Path
from typing import Final

import pytest

from avow.policy.clauses import CLAUSES
from avow.policy.model import (
    ACTIONS,
    CHANGE_DUTIES,
    CHANNELS,
    CONDITIONS,
    MEASURES,
    RECIPIENT_KINDS,
    RIGHTS,
    ROUTES,
    TOPICS,
)
from avow.policy.parse import DECLARATIONS, POLICY

DOCUMENT: Final = (Path(__file__).parents[2] / "docs" / "policy-language.md").read_text()
SECTIONS: Final = {
    match[1]: match[2] for match in re.finditer(r"(?ms)^\*\*(\d+\.\d+)[^*]*\*\*(.*?)(?=^\*\*\d|^## |\Z)", DOCUMENT)
}


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("1.2", tuple(key.name for key in POLICY)),
        ("2.5", RECIPIENT_KINDS),
        ("2.2", CHANNELS),
        ("3.11", MEASURES),
        ("3.12", RIGHTS),
        ("3.12", ROUTES),
        ("3.13", CHANGE_DUTIES),
        ("3.14", TOPICS),
        ("3.15", CONDITIONS),
        ("3.16", ACTIONS),
    ],
)
def test_every_word_of_the_language_stands_in_its_section(section: str, words: tuple[str, ...]) -> None:
    assert [word for word in words if f"`{word}`" not in SECTIONS[section]] == []


def test_every_kind_of_clause_and_declaration_has_a_section() -> None:
    for kind in CLAUSES:
        assert any(number.startswith("3.") and text.startswith(f" `{kind}`") for number, text in SECTIONS.items()), kind
    for kind in DECLARATIONS:
        assert any(number.startswith("2.") and text.startswith(f" `{kind}`") for number, text in SECTIONS.items()), kind


def test_no_number_of_a_section_is_missing() -> None:
    numbers = [tuple(map(int, number.split("."))) for number in SECTIONS]
    assert numbers == sorted(numbers)
    for before, after in itertools.pairwise(numbers):
        assert after in {(before[0], before[1] + 1), (before[0] + 1, 1)}


def test_a_word_that_the_document_lacks_would_be_noticed() -> None:
    with pytest.raises(AssertionError):
        test_every_word_of_the_language_stands_in_its_section("3.16", (*ACTIONS, "publish"))


def test_the_sections_that_code_cites_are_there() -> None:
    source = Path(__file__).parents[2] / "src" / "avow"
    for path in source.rglob("*.py"):
        for number in re.findall(r"policy-language\.md, section (\d+\.\d+)", path.read_text()):
            assert number in SECTIONS, f"{path.name} cites {number}"
