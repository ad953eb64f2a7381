"""The text of an expression, to words with their places. What the language does not have is refused here by name."""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from penstock.models.graph.cel.fault import LONGEST, Wrong


class Token(NamedTuple):
    """One word. `kind`: name, value, symbol or end; `value` is what a literal stands for."""

    kind: str
    text: str
    at: int
    value: Any = None


_WORD: Final = re.compile(
    r"""
      (?P<blank>[ \t\r\n\f]+ | //[^\n]*)
    | (?P<text>(?P<prefix>[A-Za-z]{0,2})(?P<quote>\"\"\"|'''|"|'))
    | (?P<number>0[xX][0-9a-fA-F]+ | (?:[0-9]+\.[0-9]+ | \.[0-9]+ | [0-9]+)(?:[eE][+-]?[0-9]+)? )(?P<unsigned>[uU])?
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<symbol>&& | \|\| | == | != | <= | >= | [-+*/%<>!?:.,()\[\]{}])
    """,
    re.VERBOSE,
)
_LITERALS: Final = {"true": True, "false": False, "null": None}
RESERVED: Final = frozenset({
    "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
    "namespace", "return", "var", "void", "while",
})  # fmt: skip
_ESCAPES: Final = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "?": "?", '"': '"', "'": "'", "`": "`",
}  # fmt: skip
_CODES: Final = {"x": 2, "X": 2, "u": 4, "U": 8}
LOWEST: Final = -(2**63)
HIGHEST: Final = 2**63 - 1


def words(text: str) -> Iterator[Token]:
    """The expression's words, an end after the last. Raises `Wrong` at the first that is none."""
    if len(text) > LONGEST:
        raise Wrong(f"an expression has up to {LONGEST:,} characters, this one has {len(text):,}", LONGEST)
    at = 0
    while at < len(text):
        found = _WORD.match(text, at)
        if found is None:
            raise Wrong(f"{text[at]!r} means nothing here", at)
        if found["quote"] is not None:
            token, at = _string(text, found)
            yield token
            continue
        if found["name"] is not None:
            yield _name(found["name"], at)
        elif found["number"] is not None:
            yield _number(found, at)
        elif found["symbol"] is not None:
            yield Token("symbol", found["symbol"], at)
        at = found.end()
    yield Token("end", "the end", len(text))


def _name(text: str, at: int) -> Token:
    if text in _LITERALS:
        return Token("value", text, at, _LITERALS[text])
    if text == "in":
        return Token("symbol", text, at)
    return Token("name", text, at)


def _number(found: re.Match[str], at: int) -> Token:
    text = found["number"]
    if found["unsigned"]:
        raise Wrong("there are no unsigned numbers here: leave out the u", found.start("unsigned"))
    if text[:2] in {"0x", "0X"}:
        return Token("value", text, at, int(text, 16))
    if any(one in text for one in ".eE"):
        return Token("value", text, at, float(text))
    if len(text) > 20:
        raise Wrong("a whole number has 64 bits", at)
    return Token("value", text, at, int(text))


def _string(text: str, found: re.Match[str]) -> tuple[Token, int]:
    """The literal that begins there, and where it ends."""
    at, prefix, quote = found.start(), found["prefix"].lower(), found["quote"]
    if prefix not in {"", "r"}:
        raise Wrong("there are no byte strings here" if "b" in prefix else f"{prefix!r} before a text", at)
    raw, inside, parts = prefix == "r", found.end(), list[str]()
    while not text.startswith(quote, inside):
        if inside >= len(text) or (len(quote) == 1 and text[inside] in "\r\n"):
            raise Wrong("the text that begins here has no end", at)
        if text[inside] == "\\" and not raw:
            part, inside = _escape(text, inside)
        else:
            part, inside = text[inside], inside + 1
        parts.append(part)
    end = inside + len(quote)
    return Token("value", text[at:end], at, "".join(parts)), end


def _escape(text: str, at: int) -> tuple[str, int]:
    """What the backslash there and what follows stand for, and where it ends."""
    letter = text[at + 1 : at + 2]
    if letter in _ESCAPES:
        return _ESCAPES[letter], at + 2
    digits = _CODES.get(letter)
    if digits is not None:
        return _coded(text[at + 2 : at + 2 + digits], 16, digits, at), at + 2 + digits
    if letter and letter in "0123":
        return _coded(text[at + 1 : at + 4], 8, 3, at), at + 4
    raise Wrong(f"\\{letter} is no escape", at)


def _coded(code: str, radix: int, digits: int, at: int) -> str:
    allowed = "0123456789abcdefABCDEF" if radix == 16 else "01234567"
    if len(code) != digits or any(one not in allowed for one in code):
        raise Wrong(f"the escape here takes {digits} digits", at)
    number = int(code, radix)
    if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        raise Wrong("the escape here stands for no character", at)
    return chr(number)
