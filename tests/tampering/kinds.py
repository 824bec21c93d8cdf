"""The tamperings of a living site's rows and wraps. Each changes something and names the person whom it hurts."""

from collections.abc import Callable
from typing import Any, Final

from avow.store.terms import decode, due
from tests.tampering.site import Row, Site, flipped


def _one(site: Site, table: str, who: str, *, such: Callable[[Row], bool] = lambda _: True) -> Row:
    return site.dice.choice([row for row in site.rows(table, who) if such(row)])


def _two(site: Site) -> tuple[str, str]:
    one, other = site.dice.sample(site.people, 2)
    return one, other


def _set(site: Site, table: str, row: Row, **values: Any) -> None:
    site.replace(table, row, row | values)


# -- a bit -----------------------------------------------------------------------------------------------------------


def _bit(table: str, column: str) -> Callable[[Site], str]:
    def tamper(site: Site) -> str:
        who = site.dice.choice(site.people)
        row = _one(site, table, who)
        _set(site, table, row, **{column: flipped(row[column], site.dice)})
        return who

    tamper.__name__ = f"bit of {table}.{column}"
    return tamper


def bit_of_wrap(site: Site) -> str:
    who = site.dice.choice(site.people)
    key, wrap = site.dice.choice(list(site.wraps(who).items()))
    site.put_wrap(key, flipped(wrap, site.dice))
    return who


# -- to another place ------------------------------------------------------------------------------------------------


def value_to_another_person(site: Site) -> str:
    one, other = _two(site)
    source = _one(site, "datum", one)
    target = _one(site, "datum", other, such=lambda row: row["category"] == source["category"])
    _set(site, "datum", target, sealed=source["sealed"])
    return other


def value_to_another_category(site: Site) -> str:
    who = site.dice.choice(site.people)
    source = _one(site, "datum", who)
    target = _one(site, "datum", who, such=lambda row: row["category"] != source["category"])
    _set(site, "datum", target, sealed=source["sealed"])
    return who


def value_renamed(site: Site) -> str:
    """The row itself goes over to another category."""
    who = site.dice.choice(site.people)
    row = _one(site, "datum", who)
    _set(site, "datum", row, category=site.dice.choice([c for c in ("name", "email", "phone") if c != row["category"]]))
    return who


def value_to_another_row(site: Site) -> str:
    """Two orders, two e-mail addresses: one in the place of the other."""
    who = site.dice.choice(site.people)
    emails = [row for row in site.rows("datum", who) if row["category"] == "email"]
    source, target = site.dice.sample(emails, 2)
    _set(site, "datum", target, sealed=source["sealed"])
    return who


def value_from_another_site(site: Site) -> str:
    who = site.dice.choice(site.people)
    source = site.dice.choice(site.sealed_there)
    target = _one(site, "datum", who, such=lambda row: row["category"] == source["category"])
    _set(site, "datum", target, sealed=source["sealed"])
    if site.dice.random() < 0.5:  # with its key: wraps are bound to their site, too
        site.put_wrap(bytes(source["sealed"][1:17]), site.wraps_there[bytes(source["sealed"][1:17])])
    return who


def value_of_another_version(site: Site) -> str:
    """A corrected value says that it is another version than it is."""
    who = site.dice.choice(site.people)
    row = _one(site, "datum", who)
    _set(site, "datum", row, version=row["version"] + site.dice.choice((-1, 1)))
    return who


def value_in_another_class(site: Site) -> str:
    """What ends on a day says that it is kept, and the other way round."""
    who = site.dice.choice(site.people)
    row = _one(site, "datum", who)
    classes = {one["kept_as"] for one in site.rows("datum", who)} | {"record"}
    _set(site, "datum", row, kept_as=site.dice.choice(sorted(classes - {row["kept_as"]})))
    return who


def standing_to_another_person(site: Site) -> str:
    one, other = _two(site)
    (source,), (target,) = site.rows("subject", one), site.rows("subject", other)
    column = site.dice.choice(("facts", "keys"))
    _set(site, "subject", target, **{column: source[column]})
    return other


def trace_to_another_person(site: Site) -> str:
    one, other = _two(site)
    row = _one(site, "event", one)
    filed = _one(site, "filed", one, such=lambda it: it["ticket"] == row["ticket"])
    _set(site, "event", row, subject=bytes.fromhex(other))
    _set(site, "filed", filed, subject=bytes.fromhex(other))
    return site.dice.choice((one, other))


def consent_to_another_person(site: Site) -> str:
    one, other = _two(site)
    row = _one(site, "consent", one)
    _set(site, "consent", row, subject=bytes.fromhex(other))
    return site.dice.choice((one, other))


def wraps_exchanged(site: Site) -> str:
    one, other = _two(site)
    (key, wrap), (others_key, others_wrap) = (site.dice.choice(list(site.wraps(who).items())) for who in (one, other))
    site.put_wrap(key, others_wrap)
    site.put_wrap(others_key, wrap)
    return one


# -- gone, and there twice ---------------------------------------------------------------------------------------------


def _gone(table: str) -> Callable[[Site], str]:
    def tamper(site: Site) -> str:
        who = site.dice.choice(site.people)
        # an event that is not in the tree yet goes with its entry: nobody notices within the window, and none is promised
        site.replace(table, _one(site, table, who, such=lambda row: row.get("entry") is None), None)
        return who

    tamper.__name__ = f"{table} deleted"
    return tamper


def wrap_deleted(site: Site) -> str:
    who = site.dice.choice(site.people)
    site.put_wrap(site.dice.choice(list(site.wraps(who))), None)
    return who


def person_deleted_whole(site: Site) -> str:
    """Every row of the person, as if they had never been."""
    who = site.dice.choice(site.people)
    for table in ("datum", "event", "filed", "consent", "request", "lookup", "subject"):
        for row in site.rows(table, who):
            site.replace(table, row, None)
    return site.dice.choice([one for one in site.people if one != who])


def person_marked_erased(site: Site) -> str:
    who = site.dice.choice(site.people)
    (row,) = site.rows("subject", who)
    _set(site, "subject", row, state=1)
    return site.dice.choice([one for one in site.people if one != who])


def _copied(table: str, key: str) -> Callable[[Site], str]:
    def tamper(site: Site) -> str:
        who = site.dice.choice(site.people)
        row = _one(site, table, who)
        fresh = site.dice.getrandbits(60) if key == "ticket" else site.dice.randbytes(16)
        site.replace(table, None, row | {key: fresh})
        return who

    tamper.__name__ = f"{table} inserted again"
    return tamper


def trace_under_another_event(site: Site) -> str:
    who = site.dice.choice(site.people)
    row = _one(site, "event", who)
    site.replace("event", None, row | {"ticket": site.dice.getrandbits(60), "event": site.dice.randbytes(16)})
    return who


def events_in_another_order(site: Site) -> str:
    """Two events that lie further apart than events may be late change places."""
    who = site.dice.choice(site.people)
    rows = sorted(site.rows("event", who), key=lambda row: int(row["ticket"]))
    early, late = rows[site.dice.randrange(3)], rows[site.dice.randrange(5, 8)]
    site.replace("event", early, None)
    site.replace("event", late, late | {"ticket": early["ticket"]})
    site.replace("event", None, early | {"ticket": late["ticket"]})
    return who


# -- as it was before ----------------------------------------------------------------------------------------------------


def _back(table: str) -> Callable[[Site], str]:
    def tamper(site: Site) -> str:
        who = site.dice.choice(site.people)
        now = {row.get("row", b""): row for row in site.rows(table, who)}
        before = [row for row in site.older[table] if row["subject"] == bytes.fromhex(who)]
        row = site.dice.choice([row for row in before if row != now[row.get("row", b"")]])
        site.replace(table, now[row.get("row", b"")], row)
        return who

    tamper.__name__ = f"{table} rolled back"
    return tamper


def person_rolled_back_whole(site: Site) -> str:
    """Every row of one person as it was half-way: only the log tells."""
    who = site.dice.choice(site.people)
    for table in ("event", "filed", "datum", "consent", "request", "lookup", "subject"):
        for row in site.rows(table, who):
            site.replace(table, row, None)
        for row in site.older[table]:
            if row["subject"] == bytes.fromhex(who):
                site.replace(table, None, row)
    return who


# -- what stands beside the sealed bytes -----------------------------------------------------------------------------------


def term_put_off(site: Site) -> str:
    who = site.dice.choice(site.people)
    row = _one(site, "datum", who, such=lambda row: due(row["terms"]) is not None)
    came = decode(row["terms"])
    later = site.dice.choice((None, (came.due or 0) + 1, (came.due or 0) + 86_400_000))
    _set(site, "datum", row, terms=came._replace(due=later).encode())
    return who


def _otherwise(term: str, *values: Any) -> Callable[[Site], str]:
    """A value that says it came under other terms than it did."""

    def tamper(site: Site) -> str:
        who = site.dice.choice(site.people)
        row = _one(site, "datum", who)
        came = decode(row["terms"])
        value = site.dice.choice([value for value in values if value != getattr(came, term)])
        _set(site, "datum", row, terms=came._replace(**{term: value}).encode())
        return who

    tamper.__name__ = f"another {term} of a datum"
    return tamper


def _another(table: str, column: str, *values: Any) -> Callable[[Site], str]:
    def tamper(site: Site) -> str:
        who = site.dice.choice(site.people)
        row = _one(site, table, who)
        value = site.dice.choice([value for value in values if value != row[column]])
        _set(site, table, row, **{column: value})
        return who

    tamper.__name__ = f"another {table}.{column}"
    return tamper


KINDS: Final[tuple[Callable[[Site], str], ...]] = (
    _bit("datum", "sealed"), _bit("event", "sealed"), _bit("consent", "sealed"), _bit("subject", "facts"),
    _bit("subject", "keys"), _bit("event", "event"), _bit("lookup", "hash"), bit_of_wrap,
    value_to_another_person, value_to_another_category, value_renamed, value_to_another_row, value_from_another_site,
    value_of_another_version, value_in_another_class, standing_to_another_person, trace_to_another_person,
    consent_to_another_person, wraps_exchanged,
    _gone("datum"), _gone("event"), _gone("filed"), _gone("subject"), _gone("consent"), _gone("request"), _gone("lookup"),
    wrap_deleted, person_deleted_whole, person_marked_erased,
    _copied("datum", "row"), _copied("event", "ticket"), _copied("consent", "row"), _copied("request", "row"),
    _copied("subject", "subject"), trace_under_another_event, events_in_another_order,
    _back("datum"), _back("subject"), _back("consent"), _back("request"), person_rolled_back_whole,
    term_put_off, _bit("datum", "terms"), _otherwise("policy", b"p" * 16), _otherwise("purposes", "marketing", ""),
    _otherwise("form", "order", "click", "contest"), _otherwise("source", "shop database"),
    _otherwise("collected", 1, 1 << 41),
    _another("consent", "about", "consent/marketing"), _another("consent", "withdrawn", None, 1),
    _another("consent", "given", 1), _another("consent", "policy", b"p" * 16),
    _another("request", "kind", "quote"), _another("request", "closed", None, 1), _another("request", "opened", 1),
    _another("subject", "created", 1), _another("subject", "version", 1, 99),
)  # fmt: skip
