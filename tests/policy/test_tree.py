"""YAML as a policy knows it: where things stand, what a scalar is, and what each kind of broken text is told."""

import importlib.util
import sys

import pytest

from avow.policy import tree
from avow.policy.model import Place
from avow.policy.tree import DEEPEST, Items, Keys, Node, Scalar, grow


def plain(node: Node) -> object:
    """A tree as Python's own values, without places."""
    match node:
        case Scalar():
            return node.text
        case Items():
            return [plain(item) for item in node.items]
        case Keys():
            return {key: plain(value) for key, (_, value) in node.pairs.items()}
    return None


def read(text: str | bytes) -> object:
    _, top, faults = grow(text)
    assert faults == []
    return plain(top)


def told(text: str | bytes) -> list[tuple[int, int, str]]:
    return [(fault.line, fault.column, fault.message) for fault in grow(text)[2]]


def places(node: Node) -> dict[str, tuple[int, int]]:
    """Each scalar's text -> where it stands."""
    match node:
        case Scalar():
            return {node.text: (node.place.line, node.place.column)}
        case Items():
            return {text: at for item in node.items for text, at in places(item).items()}
        case Keys():
            return {text: at for _, value in node.pairs.values() for text, at in places(value).items()}
    return {}


# --- where things stand ---


@pytest.mark.parametrize("before", ["abc", "é", "ñandú", "𝒳", "👩‍🔬", "日本", "e\u0301", "\u00a0", "\ufffd"])
def test_columns_count_characters_however_many_bytes_they_take(before: str) -> None:
    column = len(before) + 4
    _, top, _ = grow(f"{{'{before}': one, 'two{before}': [x{before}, three]}}")
    assert places(top)["one"] == (1, column + 2)
    assert places(top)["three"] == (1, len(f"{{'{before}': one, 'two{before}': [x{before}, ") + 1)
    assert told(f"{before}: @") == [
        (1, len(before) + 3, "a value starts with a character that means something else in YAML")
    ]
    assert told(f"# {before}\n'{before}': '{before}' @")[0][:2] == (2, 2 * len(before) + 8)
    assert told(f"a: '{before}'\nb: \"{before}\\q\"") == [(2, len(before) + 5, "an unknown escape after a backslash")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_with_every_kind_of_line_end(end: str) -> None:
    text = end.join(["# a", "", "b: |", "  c", "  d", "e: f", "g: @"])
    assert told(text)[0][:2] == (7, 4)
    assert told(text.replace("@", "\x07"))[0][:2] == (7, 4)
    assert places(grow(text.replace("@", "h"))[1]) == {"c\nd": (3, 4), "f": (6, 4), "h": (7, 4)}


def test_a_byte_order_mark_moves_no_column() -> None:
    assert told(b"\xef\xbb\xbfa: @") == told("a: @") == told("\ufeffa: @")


@pytest.mark.parametrize("text", ["a: [", "a: [b", "a: {", "a: {b: ", 'a: "b', "a: 'b"])
def test_what_is_open_at_the_end_is_told_on_a_line_that_is_there(text: str) -> None:
    ((line, column, _),) = told(text)
    assert (line, column <= len(text) + 1) == (1, True)


# --- what a scalar is ---


@pytest.mark.parametrize(
    "word",
    [
        "on", "off", "yes", "no", "y", "n", "true", "True", "NULL", "Null", "007", "0o7", "0x1F", "0b1", "1_000", "1:30",
        "1e3", ".inf", ".NaN", "+1", "2026-01-01", "2026-01-01 10:00:00Z", "=", "<", "1.0", "a:b", "http://a.example/b?c#d",
    ],
)  # fmt: skip
def test_every_word_stays_the_text_that_it_is(word: str) -> None:
    assert read(f"a: {word}") == read(f"a: '{word}'") == read(f'a: "{word}"') == {"a": word}
    assert read(f"a: [{word}]") == {"a": [word]}
    assert read(f"{word}: a") == {word: "a"}


@pytest.mark.parametrize("word", ["~", "null"])
def test_only_a_plain_scalar_is_absent(word: str) -> None:
    for text, absent in ((f"[{word}]", True), (f"['{word}']", False), (f'["{word}"]', False), (f"|\n  {word}", False)):
        _, top, _ = grow(f"a: {text}")
        assert isinstance(top, Keys)
        (_, value) = top.pairs["a"]
        first = value.items[0] if isinstance(value, Items) else value
        assert isinstance(first, Scalar)
        assert first.absent is absent


def test_what_is_left_out_is_absent_where_it_was_expected() -> None:
    _, top, _ = grow("a:\nb: [c]\nd: ''\n")
    assert isinstance(top, Keys)
    assert top.pairs["a"][1] == Scalar("", quoted=False, place=Place(1, 3))
    assert top.pairs["d"][1] == Scalar("", quoted=True, place=Place(3, 4))


def test_a_merge_key_is_a_key_like_any_other() -> None:
    assert read("<<: {a: b}\na: c") == {"<<": {"a": "b"}, "a": "c"}


def test_what_json_writes_is_read() -> None:
    assert read('{"a":"b","c":["d",{"e":"\\/\\u00e9"}]}') == {"a": "b", "c": ["d", {"e": "/é"}]}


def test_text_over_several_lines_is_one() -> None:
    assert read("a: b\n  c\n\n  d\ne: >-\n  f\n  g\n") == {"a": "b c\nd", "e": "f g"}


# --- what broken text is told ---


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: b\x85c", 1, 5, "the character U+0085 may not stand in a policy"),
        ("a: b\nc: 'd\u2028e: f'", 2, 6, "the character U+2028 may not stand in a policy"),
        ("# a\u2029b: c", 1, 4, "the character U+2029 may not stand in a policy"),
        ("a: \ufeffb", 1, 4, "the character U+FEFF may not stand in a policy"),
        ("\ufeff\ufeffa: b", 1, 1, "the character U+FEFF may not stand in a policy"),
        ("a: b\n𝒳: \x00", 2, 4, "the character U+0000 may not stand in a policy"),
        ("a: \x7f", 1, 4, "the character U+007F may not stand in a policy"),
        ("a: \ufffe", 1, 4, "the character U+FFFE may not stand in a policy"),
        ("a: @\nb: \x07", 2, 4, "the character U+0007 may not stand in a policy"),
        ("a:\n\tb: c", 2, 1, "a tab stands where YAML wants spaces"),
        ("a:\n  b: c\n \td: e", 3, 2, "a tab stands where YAML wants spaces"),
        ("a: b\n\tc: d", 2, 1, "a tab stands where YAML wants spaces"),
        ("-\ta: b", 1, 2, "a tab stands where YAML wants spaces"),
        ("a: b\tc: d", 1, 7, "this `:` makes no key here"),
        ("a: *b", 1, 4, "an alias, `*b`"),
        ("a: **b** is", 1, 4, "an anchor or an alias, starting with `&` or `*`"),
        ("a: *é", 1, 4, "an anchor or an alias, starting with `&` or `*`"),
        ("a: & b", 1, 4, "an anchor or an alias, starting with `&` or `*`"),
        ("a: !b c", 1, 4, "a tag, starting with `!`"),
        ("a: !!str c", 1, 4, "a tag, starting with `!`"),
        ("a: !b!c d", 1, 4, "a tag, starting with `!`"),
        ("a: !<b", 1, 4, "a tag, starting with `!`"),
        ("%YAML 1.3\n---\na: b", 1, 1, "a directive, starting with `%`"),
        ("%YAML 2.0\n---\na: b", 1, 1, "a directive, starting with `%`"),
        ("%AVOW 1\n---\na: b", 1, 1, "a directive, starting with `%`"),
        ('a: "\\ud800"', 1, 7, "an unknown escape after a backslash"),
        ('a: "\\U00110000"', 1, 7, "an unknown escape after a backslash"),
        ('a: "\\xg"', 1, 7, "an unknown escape after a backslash"),
        ("a: b\n---\nc: d", 2, 1, "a second document in one file"),
        ("a: b\n...\nc: d", 3, 1, "the document has ended before this"),
        ("{a: b} c", 1, 8, "the document has ended before this"),
        ("a: b\nc", 2, 1, "a key without `:`"),
        ("a: {b: c", 1, 4, "a `[` or `{` is not closed"),
        ("a: [b, , c]", 1, 8, "a value is missing here"),
        ("a: b\n- c", 2, 1, "this line is not indented like its neighbours"),
        ("- a\nb: c", 2, 1, "this line is not indented like its neighbours"),
        ("[a]: b", 1, 1, "a key that is not a word"),
        ("a: b\n'a': c", 2, 1, "the key `a` stands twice"),
        ("\n# nothing\n", 1, 1, "the file is empty"),
    ],
)  # fmt: skip
def test_each_kind_of_broken_text_is_told_where_and_what(text: str, line: int, column: int, message: str) -> None:
    assert told(text) == [(line, column, message)]
    if "\ufeff" not in text:
        assert told(text.encode()) == told(text)


@pytest.mark.parametrize(
    "text", ["a:\tb", "a: b\t", "a: b\t# c", "a: [\n\tb]", "a: 'b\n\tc'", "%YAML 1.2\n---\na: b", "--- a\n..."]
)
def test_what_yaml_allows_is_no_fault(text: str) -> None:
    assert told(text) == []


@pytest.mark.parametrize("opened", ["[", "- ", "{a: ", "? "])
def test_nesting_is_bounded_long_before_any_stack_is(opened: str) -> None:
    assert "nested too deeply" not in str(told(opened * (DEEPEST - 1) + "x"))
    ((_, _, message),) = told(opened * 200_000)
    assert message == "nested too deeply"


# --- the parser itself ---


def test_without_the_c_parser_the_reason_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml.cyaml", None)
    spec = importlib.util.spec_from_file_location("tree_elsewhere", tree.__file__)
    assert spec is not None
    assert spec.loader is not None
    with pytest.raises(ImportError, match="this PyYAML was built without libyaml"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
