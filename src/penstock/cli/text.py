"""Values as text for people: nothing that comes from data can steer a terminal. Knows no command."""

from datetime import UTC, datetime
from typing import Final

CUT: Final = "..."

_UNITS: Final = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "m"), (1.0, "s"))


def escaped(text: str) -> str:
    """The text on one line, what is not printable spelled out: control characters, escapes, marks of direction."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _spelled(one) for one in text)


def escaped_lines(text: str) -> list[str]:
    """The text's lines, each escaped; a tab becomes four blanks."""
    return [escaped(line.replace("\t", "    ")) for line in text.split("\n")]


def shortened(text: str, width: int) -> str:
    """The text on one line, at most so wide."""
    line = escaped(text[: width + 1])
    return line if len(line) <= width else line[: width - len(CUT)] + CUT


def moment(at: float | None) -> str:
    """The moment in UTC to the second, or a dash."""
    if at is None:
        return "-"
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def span(seconds: float) -> str:
    """A length of time in its two largest units: 3m20s, 2d4h, 0.4s."""
    left = max(0.0, seconds)
    if left < 10:
        return f"{left:.1f}".removesuffix(".0") + "s"
    parts: list[str] = []
    for size, unit in _UNITS:
        number, left = divmod(left, size)
        if number or parts:
            parts.append(f"{int(number)}{unit}" if number else "")
        if len(parts) == 2:
            break
    return "".join(parts)


def ago(at: float | None, now: float) -> str:
    """How long ago, or in how long, seen from now; a dash for None."""
    if at is None:
        return "-"
    return f"{span(now - at)} ago" if at <= now else f"in {span(at - now)}"


def counted(n: int, noun: str, *, capped: bool = False) -> str:
    """So many of them: `1 run`, `3 runs`, `10,000+ runs`."""
    return f"{n:,}{'+' if capped else ''} {noun}{'' if n == 1 and not capped else 's'}"


def _spelled(one: str) -> str:
    code = ord(one)
    if one in _SHORT:
        return _SHORT[one]
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
