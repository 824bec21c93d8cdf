"""The customer's privacy centre: what is held, who saw it, and every right over it, without cookies and without scripts."""

from avow.doors.centre.app import make_centre

__all__ = ["make_centre"]
