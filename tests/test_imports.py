"""The house: imports only run downwards, there is no ring, and no room takes the time or its dice from the air.

What each room may know is written down once, here. A new room needs a line of its own.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "avow"

VALUES = {"errors", "policy", "decide", "vault"}
MAY_KNOW: dict[str, set[str]] = {  # room -> what else of avow it may import; the longest name that fits a module counts
    "errors": set(),
    "cards": set(),
    "listening": {"errors"},
    "upkeep": {"errors"},
    "together": set(),
    "residue": set(),
    "policy": {"errors"},
    "vault": {"errors"},
    "ledger": set(),  # not even the errors: the verifier is taken home alone
    "decide": {"errors", "policy"},
    "record": {"errors", "policy", "decide.request", "ledger.entry", "store.interface", "vault"},
    "store": {"errors"},
    "store.keystore": {"errors", "vault", "store"},
    "store.root": {"errors", "vault", "store"},
    "sequencer": {"errors", "ledger", "store.interface", "store.disk"},
    "rows": {"errors", "policy.retention", "store.interface", "store.terms", "vault"},
    "versions": VALUES | {"gate", "ledger", "record", "store.disk", "store.interface"},
    "planning": VALUES | {"gate", "ledger.published", "store.interface", "versions"},
    "gate": VALUES | {"record", "rows", "store.interface", "store.terms", "together"},
    "practices": VALUES
    | {
        "cards",
        "gate",
        "ledger.checkpoint",
        "ledger.draw",
        "ledger.entry",
        "ledger.faults",
        "record",
        "rows",
        "store.interface",
        "store.terms",
        "together",
    },  # inspecting reads entries
    "practices.visited": {"errors", "policy", "decide", "gate", "practices", "store.visits"},  # cells, and no person
    "desk": VALUES | {"app", "gate", "mail", "practices", "rows", "store.interface", "upkeep"},
    "desk.interface": set(),  # a contract, in plain values: doors and vault alike may read it
    "wire": {"errors", "desk.interface"},
    "visits": {"errors", "policy", "decide", "store.visits", "store.disk"},  # and never what touches persons
    "proof": {"errors", "policy", "ledger"},  # a witness: never decide, gate, vault or store
    "mail": {"errors", "policy"},
    "doors": {
        "errors",
        "policy",
        "cards",
        "mail",
        "desk.interface",
        "visits",
        "wire",
        "decide.changed",  # what changed between two versions, in words: it decides nothing about anybody
    },
}
TOP = {
    "__main__",
    "start",
    "opening",
    "app",
    "serve",
    "sync",
    "cli",
    "demo",
    "bench",
}  # may know everything, and nothing below may know them

PURE = {"policy", "decide", "vault", "ledger", "cards", "record", "rows", "mail"}
EDGES = {"mail.smarthost"}  # of a pure room: where it meets the outside
OUTWARD = {"apsw", "asyncio", "http", "psycopg", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading"}

FROM_THE_AIR = (  # clock and dice that must be handed in; a prefix counts. `time.monotonic` times a wait, and tells no time
    "time.time", "time.time_ns", "time.gmtime", "time.localtime", "time.strftime", "time.ctime",
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
    "random.", "secrets.", "os.urandom", "os.getrandom", "uuid.uuid1", "uuid.uuid4",
)  # fmt: skip
ALLOWED = {("store.root", "os.urandom")}  # a root key's provider is an edge of its own: a KMS has dice of its own, too
MAKES_KEYS = ("generate", "generate_key", "generate_private_key")  # of `cryptography`: dice as well


class Module:
    """One parsed file: its name without `avow.`, what it imports, and where."""

    def __init__(self, root: Path, path: Path) -> None:
        parts = path.relative_to(root).with_suffix("").parts
        self.package = parts[:-1]
        self.name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        self.tree = ast.parse(path.read_text(), str(path))
        self.origin: dict[str, str] = {}  # a name in this file -> what it stands for
        self.imports: list[tuple[str, int]] = []  # dotted, with the name that is taken
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self.imports.append((alias.name, node.lineno))
                    self.origin[alias.asname or alias.name.split(".")[0]] = (
                        alias.name if alias.asname else alias.name.split(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom):
                base = self._base(node)
                for alias in node.names:
                    self.imports.append((f"{base}.{alias.name}", node.lineno))
                    self.origin[alias.asname or alias.name] = f"{base}.{alias.name}"

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        above = self.package[: len(self.package) - node.level + 1]
        return ".".join(("avow", *above, *filter(None, [node.module])))

    def dotted(self, node: ast.expr) -> str | None:
        """What an expression like `dt.datetime.now` stands for, if its first name was imported."""
        if isinstance(node, ast.Name):
            return self.origin.get(node.id)
        if isinstance(node, ast.Attribute) and (inner := self.dotted(node.value)):
            return f"{inner}.{node.attr}"
        return None


def modules(root: Path) -> dict[str, Module]:
    """Every module below `root`, by its name."""
    found = (Module(root, path) for path in sorted(root.rglob("*.py")))
    return {module.name: module for module in found}


def target(dotted: str, known: dict[str, Module]) -> str | None:
    """The module of avow that an import reaches, or the whole of what it names; None for another library's."""
    first, _, rest = dotted.partition(".")
    if first != "avow":
        return None
    module = rest
    while module and module not in known:
        module = module.rpartition(".")[0]
    return module or rest


def within(name: str, room: str) -> bool:
    """Whether a module stands in a room, or is it."""
    return name == room or name.startswith(f"{room}.")


def home(name: str) -> str:
    """The room with the longest name that a module stands in; empty when no rule speaks of it."""
    return max((room for room in (*MAY_KNOW, *TOP) if within(name, room)), key=len, default="")


def strays(root: Path) -> Iterator[str]:
    """Every import that the rules do not allow."""
    known = modules(root)
    for name, module in known.items():
        room = home(name)
        if name and not room:
            yield f"avow.{name}: no rule says what it may import"
        if room in TOP or not room:
            continue
        for dotted, line in module.imports:
            reached = target(dotted, known)
            if reached is None:
                if room.split(".")[0] in PURE and name not in EDGES and dotted.split(".")[0] in OUTWARD:
                    yield f"avow.{name}:{line} is pure and imports {dotted}"
            elif not any(within(reached, allowed) for allowed in {room, *MAY_KNOW[room]}):
                yield f"avow.{name}:{line} imports avow.{reached}"


def rings(root: Path) -> Iterator[str]:
    """Every ring of imports, once, as its modules in order."""
    known = modules(root)
    edges = {
        name: {reached for dotted, _ in module.imports if (reached := target(dotted, known)) in known} - {name}
        for name, module in known.items()
    }
    done: set[str] = set()

    def walk(name: str, way: list[str]) -> Iterator[str]:
        if name in way:
            yield " -> ".join([*way[way.index(name) :], name])
        elif name not in done:
            for following in sorted(edges[name]):
                yield from walk(following, [*way, name])
            done.add(name)

    for name in edges:
        yield from walk(name, [])


def from_the_air(root: Path) -> Iterator[str]:
    """Every use of a clock or of dice outside the rooms that may."""
    for name, module in modules(root).items():
        if home(name) in TOP:
            continue
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Attribute | ast.Name) or not (dotted := module.dotted(node)):
                continue
            made = dotted.startswith("cryptography.") and dotted.rpartition(".")[2] in MAKES_KEYS
            if (name, dotted) in ALLOWED:
                continue
            if made or any(dotted == one or (dotted.startswith(one) and one[-1] == ".") for one in FROM_THE_AIR):
                yield f"avow.{name}:{node.lineno} takes {dotted}"


def test_no_module_imports_what_its_room_may_not_know() -> None:
    assert list(strays(SOURCE)) == []


def test_imports_form_no_ring() -> None:
    assert list(rings(SOURCE)) == []


def test_clock_and_dice_are_handed_in() -> None:
    assert list(from_the_air(SOURCE)) == []


def test_the_checks_look_at_every_file_of_the_source() -> None:
    assert len(modules(SOURCE)) == len(list(SOURCE.rglob("*.py"))) > 20


def plant(root: Path, files: dict[str, str]) -> Path:
    """A small source tree that stands, with these files put over it."""
    sound = {
        "errors.py": "",
        "policy/model.py": "",
        "gate.py": "from avow.errors import Refused",
        "store/interface.py": "",
    }
    for name, text in (sound | files).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_sound_tree_raises_nothing(tmp_path: Path) -> None:
    root = plant(tmp_path, {"app.py": "from time import time\nfrom avow.gate import Gate\n"})
    assert [*strays(root), *rings(root), *from_the_air(root)] == []


@pytest.mark.parametrize(
    ("file", "text"),
    [
        pytest.param("policy/parse.py", "from avow.vault.keys import x", id="policy-knows-the-vault"),
        pytest.param("ledger/verify.py", "from avow.errors import Tampered", id="the-verifier-knows-the-errors"),
        pytest.param("ledger/verify.py", "from ..errors import Tampered", id="by-a-relative-import"),
        pytest.param("ledger/verify.py", "def f():\n    import avow.errors as e", id="inside-a-function"),
        pytest.param("ledger/verify.py", "import avow", id="by-the-package-itself"),
        pytest.param("gate.py", "from avow.store.sqlite import SQLite", id="gate-knows-a-database"),
        pytest.param("gate.py", "from avow.store import sqlite", id="gate-knows-a-database-by-its-package"),
        pytest.param("store/sqlite.py", "from avow.ledger.entry import Entry", id="store-knows-the-ledger"),
        pytest.param("store/sqlite.py", "from avow.vault import keys", id="store-knows-the-vault"),
        pytest.param(
            "proof/checks/contact.py", "from avow.decide.decide import decide", id="witness-knows-the-accused"
        ),
        pytest.param("practices/orders.py", "from avow.app import Avow", id="an-arrow-upwards"),
        pytest.param("cellar/wine.py", "", id="a-room-without-a-rule"),
        pytest.param("decide/decide.py", "import socket", id="pure-core-with-a-socket"),
    ],
)
def test_a_stray_import_is_caught(tmp_path: Path, file: str, text: str) -> None:
    assert list(strays(plant(tmp_path, {"store/sqlite.py": "", file: text}))) != []


def test_a_ring_is_caught(tmp_path: Path) -> None:
    ring = {"policy/a.py": "from avow.policy import b", "policy/b.py": "def f():\n    from avow.policy.a import x"}
    assert list(rings(plant(tmp_path, ring))) == ["policy.a -> policy.b -> policy.a"]


@pytest.mark.parametrize(
    "text",
    [
        "import time\nx = time.time()",
        "import time as t\nx = t.time_ns()",
        "from time import time as now\nx = now()",
        "from datetime import UTC, datetime\nx = datetime.now(UTC)",
        "import datetime as dt\nx = dt.datetime.utcnow()",
        "from datetime import date\nx = date.today()",
        "import random\nx = random.random()",
        "import secrets\nx = secrets.token_bytes(16)",
        "import os\ndef f(random=os.urandom): ...",
        "from os import urandom\nx = urandom(16)",
        "from uuid import uuid4\nx = uuid4()",
        "from cryptography.hazmat.primitives.ciphers.aead import AESGCM\nx = AESGCM.generate_key(256)",
    ],
)
def test_a_hidden_clock_or_dice_is_caught(tmp_path: Path, text: str) -> None:
    assert list(from_the_air(plant(tmp_path, {"gate.py": text}))) != []
