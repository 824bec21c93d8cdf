"""Labels and letters: what is printed can be read back, and what cannot be printed is refused in words."""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from avow.doors.console.papers import LONGEST, USUAL, House, Papers
from avow.errors import BadValue, OperatorError

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
HOUSE = House(
    "AITpro", (("E-mail", "privacy@aitpro.example"), ("Telephone", "+1 555 0120"), ("Form", "/contact")),
    "https://privacy.aitpro.example/policy",
)  # fmt: skip
ADDRESS = "1 Lantern Lane\n12345 Farwater"
VALID_CARD = "4111 1111 1111 1111"
FONT = [path for path in USUAL if path.is_file()][:1]


def read(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(BytesIO(pdf)).pages]


def letter(papers: Papers, body: str, name: str = "Ada Quill", address: str = ADDRESS) -> bytes:
    return papers.letter(name, address, body, why="to make you a quote", number="ABCDEFGH23", at=AT)


@pytest.mark.parametrize("fonts", [[], FONT], ids=["its own font", "a font of the system"])
def test_a_letter_has_head_address_body_and_in_its_foot_why_it_came_and_how_to_get_no_more(fonts: list[Path]) -> None:
    (page,) = read(letter(Papers(HOUSE, fonts), "Dear Ada,\n\nhere is your quote."))
    for said in (
        "AITpro", "privacy@aitpro.example · +1 555 0120", "Ada Quill", "1 Lantern Lane", "12345 Farwater",
        "1 March 2026, no. ABCDEFGH23", "here is your quote.", "to make you a quote", "No more letters?",
        "telephone +1 555 0120", HOUSE.policy,
    ):  # fmt: skip
        assert said in page, said
    assert "/contact" not in page  # a page without its site leads nowhere


def test_every_page_of_a_long_letter_has_the_foot(tmp_path: Path) -> None:
    pages = read(letter(Papers(HOUSE), "It is long. " * 500))
    assert len(pages) > 1
    assert all("No more letters?" in page for page in pages)


def test_a_label_has_name_and_address_and_nothing_else() -> None:
    papers = Papers(HOUSE, [])
    assert read(papers.label("Ada Quill", "1 Lantern Lane, 12345 Farwater", at=AT)) == [
        "Ada Quill\n1 Lantern Lane\n12345 Farwater"
    ]
    assert read(papers.label("", ADDRESS, at=AT)) == [ADDRESS]


def test_the_file_says_of_nobody_anything_that_is_not_printed() -> None:
    pdf = letter(Papers(HOUSE), "Dear Ada")
    told = PdfReader(BytesIO(pdf)).metadata
    assert told is not None
    assert set(told.values()) == {"Letter", "Avow", "D:20260301090000Z"}


def test_names_in_other_letters_are_printed_by_a_font_that_has_them() -> None:
    assert FONT, "no font of the system; install fonts-dejavu-core"
    for name in ("Zoë Ångström", "Łukasz Żółć", "Дмитрий Щукин", "Ωμέγα Ψυχή", "Nguyễn Văn Ả"):
        assert name in read(Papers(HOUSE).label(name, ADDRESS, at=AT))[0]
    with pytest.raises(BadValue, match="cannot be printed here"):
        Papers(HOUSE, []).label("Дмитрий", ADDRESS, at=AT)


@pytest.mark.parametrize(
    "name", ["אדה", "عادة", "आदा", "สมชาย", "Ada\x07", "Ada\u202e", "𐎠𐎭", "Ada\ud800"],
    ids=ascii,
)  # fmt: skip
def test_what_no_font_here_prints_right_is_refused_and_not_repeated(name: str) -> None:
    for paper in (lambda: Papers(HOUSE).label(name, ADDRESS, at=AT), lambda: letter(Papers(HOUSE), f"Dear {name}")):
        with pytest.raises(BadValue, match="cannot be printed here") as told:
            paper()
        assert name not in str(told.value)


@pytest.mark.parametrize(
    ("name", "address"),
    [("A" * 200, ADDRESS), ("Ada", "x" * 400), ("Ada", "\n".join("abcdefghijkl")), ("", " \n "), ("Ada", "a," * 5000)],
    ids=["long name", "long line", "many lines", "nothing", "many commas"],
)
def test_an_address_that_does_not_fit_is_refused_whole_rather_than_cut(name: str, address: str) -> None:
    with pytest.raises(BadValue, match="by hand"):
        Papers(HOUSE).label(name, address, at=AT)


def test_a_letter_may_hold_no_card_number_and_no_book_and_not_nothing() -> None:
    papers = Papers(HOUSE, [])
    for body, why in ((f"Your card {VALID_CARD}", "card number"), ("x" * (LONGEST + 1), "longer"), (" \n", "empty")):
        with pytest.raises(BadValue, match=why):
            letter(papers, body)


def test_what_is_no_font_is_said_at_once_and_not_with_the_first_letter(tmp_path: Path) -> None:
    wrong = tmp_path / "letter.ttf"
    wrong.write_text("no font")
    for path in (wrong, tmp_path / "nowhere.ttf"):
        with pytest.raises(OperatorError, match="no TrueType font"):
            Papers(HOUSE, [path])
