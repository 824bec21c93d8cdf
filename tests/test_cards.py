"""The card detector refuses what is a card, asks about what may be one, and lets the rest pass."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avow.cards import Suspicion, suspicion

VISA = "4111111111111111"  # the schemes' published test numbers
AMEX = "378282246310005"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        pytest.param(f"my card is {VISA}", Suspicion.CERTAIN, id="near-a-word-for-a-card"),
        pytest.param("4111 1111 1111 1111", Suspicion.CERTAIN, id="in-groups"),
        pytest.param("4111\u20111111\u20111111\u20111111", Suspicion.CERTAIN, id="in-groups-with-unusual-dashes"),
        pytest.param("3782-822463-10005", Suspicion.CERTAIN, id="american-express-groups"),
        pytest.param("visa \uff14" + VISA[1:], Suspicion.CERTAIN, id="full-width-digit"),
        pytest.param("card 4111\u200b111111111111", Suspicion.CERTAIN, id="zero-width-space-inside"),
        pytest.param(VISA, Suspicion.DOUBTFUL, id="bare-number"),
        pytest.param(f"order no. {VISA}", Suspicion.DOUBTFUL, id="named-as-an-order"),
        pytest.param("4111111111111112", Suspicion.NONE, id="wrong-check-digit"),
        pytest.param("+49 30 901820", Suspicion.NONE, id="telephone"),
        pytest.param("12 High Street, Springfield 62701", Suspicion.NONE, id="address"),
        pytest.param("", Suspicion.NONE, id="empty"),
    ],
)
def test_the_detector_says_how_sure_it_is(text: str, answer: Suspicion) -> None:
    assert suspicion(text) is answer


SEPARATORS = st.sampled_from(["", " ", "-", ".", "\u00a0", "\u2013", "/", "  "])


def with_check_digit(body: str) -> str:
    for check in "0123456789":
        numbers = [int(digit) for digit in reversed(body + check)]
        if (sum(numbers[::2]) + sum(sum(divmod(2 * n, 10)) for n in numbers[1::2])) % 10 == 0:
            return body + check
    raise AssertionError


@settings(max_examples=60)
@given(st.sampled_from(["4", "51", "2221", "6011", "3528", "62"]), st.randoms(use_true_random=False), SEPARATORS)
def test_every_valid_number_is_noticed_in_every_layout(prefix: str, random: object, separator: str) -> None:
    """AIM-9."""
    body = prefix + "".join(str(random.randrange(10)) for _ in range(15 - len(prefix)))  # type: ignore[attr-defined]  # Hypothesis' Random
    number = with_check_digit(body)
    text = separator.join(number[i : i + 4] for i in range(0, 16, 4))
    assert suspicion(text) > Suspicion.NONE
    assert suspicion(f"pay with card {text} please") is Suspicion.CERTAIN


@settings(max_examples=60)
@given(st.text(alphabet=st.characters(blacklist_categories=["Nd"])))
def test_text_without_digits_never_is_a_card(text: str) -> None:
    assert suspicion(text) is Suspicion.NONE


@pytest.mark.parametrize(
    "between",
    ["    ", " (", ";", "*", "+", "=", "#", "~", "'", "\\", "x", "\n\n\n\n", "&nbsp;", "</b> <b>", "] [", ", then "],
)
def test_a_card_in_its_groups_is_noticed_whatever_stands_between_them(between: str) -> None:
    text = between.join(("4111", "1111", "1111", "1111"))
    assert suspicion(text) > Suspicion.NONE
    assert suspicion(f"my card: {text}") is Suspicion.CERTAIN


def test_a_nearer_word_that_explains_the_number_leaves_a_way_round() -> None:
    assert suspicion("a gift card please; order number 6011 0009 9013 9424") is Suspicion.DOUBTFUL
    assert suspicion("order 17, my card 6011 0009 9013 9424") is Suspicion.CERTAIN


@pytest.mark.parametrize(
    "text",
    [f"{VISA} 12/27 123", f"{VISA}1227123", f"1234 {VISA}", f"1234{VISA}", f"x{VISA}y", f"<img alt='{VISA}'>"],
)
def test_a_number_among_other_digits_is_noticed(text: str) -> None:
    assert suspicion(text) > Suspicion.NONE


NUMBERS = {
    "German mobile": lambda n: f"+49 15{n % 10} {n:08d}"[:16],
    "Chinese mobile": lambda n: f"+86 1{n:010d}",
    "British mobile": lambda n: f"+44 7{n:09d}",
    "order number": lambda n: f"order 6{n:012d}",
    "article number": lambda n: f"4{n:012d}",
    "IBAN": lambda n: iban(f"{n:018d}"),
}


def iban(account: str) -> str:
    """A German one, in groups as it is printed."""
    text = f"DE{98 - int(account + '131400') % 97:02d}{account}"
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


@pytest.mark.parametrize("kind", NUMBERS)
@settings(max_examples=100)
@given(n=st.integers(0, 10**8 - 1))
def test_telephone_order_and_account_numbers_pass(kind: str, n: int) -> None:
    assert suspicion(NUMBERS[kind](n)) is Suspicion.NONE
