"""What a mail asks for: plain words are understood, and everything else is a question, for people."""

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avow.practices.inbound import Wanted, wanted

LONG = "I ordered two strings last week and they have not arrived yet, so I wonder where they are. " * 5


@pytest.mark.parametrize(("subject", "text"), [
    ("STOP", ""), ("", "stop"), ("unsubscribe", ""), ("Re: Fwd: Unsubscribe", "\n"), ("", "Please unsubscribe me."),
    ("Offers", "Please stop sending me these mails"), ("", "Take me off your mailing list!"), ("", "remove me from the list"),
    ("Re: News", "Don\u2019t e-mail me any more"), ("", "Unsubscribe please\n\nOn Monday Corner Shop wrote:\n> buy now"),
    ("", "no more newsletters, thanks"), ("", "I want to opt out"), ("opt-out", LONG), ("", "STOP ALL MAIL"),
    ("", "stop\n-----Original Message-----\nFrom: shop\nplease delete my data"), ("", "Do not contact me."),
])  # fmt: skip
def test_stop(subject: str, text: str) -> None:
    assert wanted(subject, text) == Wanted(stop=True, kind="stop")


@pytest.mark.parametrize(("kind", "subject", "text"), [
    ("access", "", "Please send me a copy of all my data"), ("access", "Subject access request", "See below."),
    ("access", "", "What do you know about me?"), ("access", "", "what information do you hold on me"),
    ("erase", "", "Please delete my account"), ("erase", "Erase all of my data", LONG), ("erase", "", "Forget me."),
    ("erase", "", "I invoke the right to be forgotten"), ("correct", "", "My address has changed, it is 7 Lantern Lane"),
    ("correct", "", "please correct my name"), ("correct", "", "My name is misspelt"),
    ("complaint", "Complaint", LONG), ("complaint", "", "I want to complain about your mails"),
    ("complaint", "", "This is a formal complaint."),
])  # fmt: skip
def test_a_right(kind: str, subject: str, text: str) -> None:
    assert wanted(subject, text) == Wanted(stop=False, kind=kind)


@pytest.mark.parametrize(("subject", "text"), [
    ("Opening hours", "When do you open?"), ("", ""), ("Stop watch", "Do you sell a stop watch?"),
    ("", "How do I unsubscribe from the newsletter of another shop?"), ("Does it stop?", "Does the motor stop by itself?"),
    ("My order", LONG + " Please do not delete my account."), ("", "> unsubscribe\n> stop\nI do like your news"),
    ("", "Please send me a copy of my data and then delete my account"),
    ("", "Where is the off switch? Nothing will stop it."), ("Compliments", "I have nothing to complain of"),
    ("", "On Monday you wrote:\n> unsubscribe"), ("", LONG + "stop sending it by rail"),
])  # fmt: skip
def test_a_question(subject: str, text: str) -> None:
    assert wanted(subject, text) == Wanted(stop=False, kind="question")


def test_who_wants_both_gets_both() -> None:
    assert wanted("", "Stop writing to me and delete my data") == Wanted(stop=True, kind="erase")


@given(st.text(max_size=300), st.text(max_size=3000))
def test_any_text_has_an_answer(subject: str, text: str) -> None:
    assert wanted(subject, text).kind in {"stop", "access", "correct", "erase", "complaint", "question"}


@pytest.mark.parametrize("piece", [",", "please ", "please,", "all of ", "on ", "> ", "-", "re: ", "my my ", "delete all ", "i want to ", "\n", "on a wrote:\n"])  # fmt: skip
def test_no_text_takes_long(piece: str) -> None:
    long = piece * (65_536 // len(piece))
    began = process_time()
    wanted(long[:998], long)
    wanted("", f"delete {long}")
    assert process_time() - began < 2
