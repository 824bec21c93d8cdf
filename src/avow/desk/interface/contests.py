"""What is said of contests, in plain values. A part of the desk's contract."""

from typing import TypedDict


class Contest(TypedDict):
    """One contest, as anybody may know it. Moments in ms; entries by their public names."""

    contest: str
    kind: str
    number: int  # among those of its kind, from 1
    phase: str  # announced, closed, drawn, ending, ended
    winners: int  # how many are to be drawn
    closes: int | None  # the moment that was announced
    closed: int | None
    entries: int
    aside: int  # not the first of somebody, or of somebody who cannot be read
    drawn: int | None
    won: list[str]
    checkpoint: str  # given out at the closing; empty before


class Entered(TypedDict):
    """An entry of a contest. `note`: signed by the log's key; with it its person proves that it was taken in."""

    entry: str
    number: int
    note: str
