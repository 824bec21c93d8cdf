"""Versions of the policy for colleagues: which there are, how far people are told, and how many said what."""

from starlette.responses import Response

from avow.doors.console.room import Room, Visit


async def board(room: Room, visit: Visit) -> Response:
    """All of them, newest first. Counts alone: who said what is the person's own."""
    progress = {one["digest"]: one for one in await room.desk.change_progress(visit.session)}
    answers = {one["digest"]: one for one in await room.desk.change_answers(visit.session)}
    rows = [
        {"one": one, "progress": progress.get(one["digest"]), "answers": answers.get(one["digest"])}
        for one in reversed(await room.desk.versions())
    ]
    return room.show(visit, "changes.html", here="/changes", rows=rows, log=room.log)
