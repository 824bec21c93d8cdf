"""What somebody wants who wrote a mail, told by its words. Pure, and careful: what is not plain is a question, for people.

English alone. What was quoted from an earlier message does not count.
"""

import re
import unicodedata
from typing import Final, NamedTuple

SHORT: Final = 40  # words: a longer mail that has such words in it may be about anything
BRIEF: Final = 80  # characters of a text that is one order and nothing else
_QUOTED: Final = re.compile(
    r"^\s*(>|-{2,}\s*original message|on\b.{0,200}\bwrote:\s*$|from:\s|_{5,}|-- $)", re.IGNORECASE
)
_ANSWERING: Final = re.compile(r"^(?:(?:re|fwd?|aw|wg)\s*:\s*)+")
_POLITE: Final = re.compile(
    r"^(?:(?:hi|hello|dear|please|pls|kindly|thanks|thank you|now|you|me)\b[ ,]*)+|(?:[ ,]*\b(?:please|pls|thanks|thank you|now|me))+$"
)
_MAIL: Final = r"(?:e ?mails?|mails?|messages?|newsletters?|advertis\w*|marketing)"
_LIST: Final = r"(?:(?:your|the|this|that) )?(?:mailing |e ?mail |contact |distribution )?lists?"
_STOPS: Final = re.compile(
    rf"(?:un ?subscribe|stop(?: all)?(?: {_MAIL})?|remove|opt ?out|no more {_MAIL}|leave me alone)"
)
_STOP: Final = re.compile(
    rf"\bunsubscribe me\b|\bstop (?:sending|writing|mailing|e ?mailing|contacting|messaging)\b|\bno more {_MAIL}\b"
    rf"|\b(?:remove|take|delete) (?:me|my (?:name|e ?mail|(?:e ?mail )?address)) (?:from|off)(?: of)? {_LIST}\b"
    r"|\b(?:do not|don't|never) (?:e ?mail|mail|contact|write to|write|message) me\b"
    r"|\b(?:want|wish|like) to (?:unsubscribe|opt ?out)\b|\bopt me out\b"
)
_DATA: Final = r"(?:personal |private |customer )?(?:data|information|info|account|details|records?|file|profile)"
_RIGHTS: Final = {
    "erase": re.compile(
        rf"\b(?:erase|delete|remove|destroy|wipe) (?:all |all of |everything |any )*(?:of )?(?:my|the|your) {_DATA}\b"
        r"|\bforget (?:all )?about me\b|\bforget me\b|\bright to (?:be forgotten|erasure)\b|\berasure request\b"
        r"|\b(?:erase|delete) everything (?:you (?:have|hold|know)|about me|on me)\b"
    ),
    "access": re.compile(
        rf"\bcopy of (?:all )?(?:of )?(?:my|the) {_DATA}\b|\baccess (?:to )?(?:all )?my {_DATA}\b|\bsubject access\b"
        rf"|\bwhat (?:{_DATA} )?(?:do you|you) (?:hold|have|keep|store|know) (?:on|about|of) me\b|\bright of access\b"
        rf"|\bsee (?:all )?(?:of )?my {_DATA}\b|\b{_DATA} (?:that )?you (?:hold|have|keep|store) (?:on|about) me\b"
    ),
    "correct": re.compile(
        rf"\b(?:correct|rectify|update|fix|amend) (?:my|the) (?:{_DATA}|(?:e ?mail |postal |shipping |billing )?address"
        r"|(?:phone |telephone )?number|name)\b|\bright to rectification\b"
        r"|\bmy (?:name|address|(?:phone |telephone )?number) is (?:wrong|misspelt|misspelled|incorrect)\b"
        r"|\bmy (?:address|(?:phone |telephone )?number) (?:has )?changed\b"
    ),
}
_COMPLAINT: Final = re.compile(
    r"^(?:a |formal |official |data protection |privacy )*complaint\b"
    r"|\b(?:i|we)(?: would| should|'d)?(?: want| wish| like| have| am| are)?(?: writing)?(?: to)? (?:complain|make (?:a |this )?(?:formal )?complaint|lodge a complaint)\b"
    r"|\bthis is a (?:formal )?complaint\b"
)


class Wanted(NamedTuple):
    """`stop`: no more mail. `kind`: access, correct, erase, complaint, or question; with `stop` alone, stop."""

    stop: bool
    kind: str


def wanted(subject: str, text: str) -> Wanted:
    """What a mail asks for."""
    title = _ANSWERING.sub("", _plain(subject))
    body = _plain(" ".join(_own(text)))
    both = f"{title} . {body}"
    short = len(body.split()) <= SHORT
    brief = [part for part in (title, body) if len(part) <= BRIEF]
    alone = [part for part in brief if _STOPS.fullmatch(_POLITE.sub("", part).strip(" .,!"))]
    stop = bool(alone) or (short and _STOP.search(both) is not None)
    rights = [name for name, words in _RIGHTS.items() if words.search(both)]
    if _COMPLAINT.search(title) or (short and _COMPLAINT.search(body)):
        return Wanted(stop, "complaint")
    if len(rights) == 1 and (short or _RIGHTS[rights[0]].search(title)):
        return Wanted(stop, rights[0])
    return Wanted(stop, "stop" if stop and not rights else "question")


def _own(text: str) -> list[str]:
    """The lines that the sender wrote: up to the first of an earlier message."""
    lines: list[str] = []
    for line in text.splitlines():
        if _QUOTED.match(line):
            if lines and not line.lstrip().startswith(">"):
                break
            continue
        lines.append(line)
    return lines


def _plain(text: str) -> str:
    """Small letters, plain apostrophes, no hyphens, single spaces."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'").replace("-", " ")
    return " ".join(re.sub(r"[!?;\"“”()*]+", " ", folded).split())
