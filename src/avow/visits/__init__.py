"""Visits, counted apart from persons: what the policy promises of them, and nothing else. See docs/visits.md.

This room runs beside the web application and knows neither gate, vault nor desk. A visit is never anybody's: it has no
number, is in memory while it lasts, and becomes one of at least `K` in a cell of an hour or more.
"""

from avow.store.visits import Cell, Day
from avow.visits.counted import Counted, Files
from avow.visits.counting import Live, Visits
from avow.visits.merging import OTHER, K
from avow.visits.promised import Promised

__all__ = ["OTHER", "Cell", "Counted", "Day", "Files", "K", "Live", "Promised", "Visits"]
