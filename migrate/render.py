"""Templates to text: literals printed, moved expressions taken over as they were written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from keyword import iskeyword
from typing import Any

from mmbridge.compat.config import Undecided
from mmbridge.compat.errors import BridgeError
from mmbridge.migrate.edit import Path, Ref
from mmbridge.migrate.layout import in_order

_INDENT = 4


class NotExpressible(BridgeError):
    """A value has no literal form and no expression to take over."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a file is written, so that new statements look like its own."""

    width: int = 79
    quote: str = "'"
    braces: bool = False
    closing_line: bool = False

    @classmethod
    def of(cls, text: str) -> Style:
        """The style ``text`` is mostly written in; OpenMMLab's own where it shows none."""
        longest = max((len(line) for line in text.splitlines()), default=0)
        hugging = len(re.findall(r"[^\s,]\)+$", text, re.MULTILINE))
        return cls(
            width=next((width for width in (79, 88, 100, 120) if longest <= width), 120),
            quote='"' if text.count('"') > text.count("'") else "'",
            braces=len(re.findall(r"[=:\[]\s*\{", text)) > text.count("dict("),
            closing_line=len(re.findall(r"^\s*\),?$", text, re.MULTILINE)) > hugging,
        )


@dataclass(frozen=True, slots=True)
class Piece:
    """The text behind a reference, and the comments that go where it goes."""

    text: str
    leading: tuple[str, ...] = ()
    trailing: str | None = None


@dataclass(frozen=True, slots=True)
class _Item:
    prefix: str
    value: Any
    piece: Piece | None = None


@dataclass(frozen=True)
class Renderer:
    """Prints templates in a `Style`; ``pieces`` gives the text behind each reference.

    ``below`` are comments to set below the last item of the list or tuple at a path.
    """

    style: Style
    pieces: Callable[[Ref], Piece]
    below: Mapping[Path, Sequence[str]] = field(default_factory=dict)

    def statement(self, key: str, template: Any) -> str:
        """``key = ...`` for a template, without a final newline."""
        prefix = f"{key} = "
        return prefix + self._value(template, (key,), 0, len(prefix), 0)

    def literal_of(self, value: Any) -> str:
        """``value``, of any shape, as a literal on as many lines as it needs."""
        return self._value(value, (), 0, 0, 0)

    def _value(self, value: Any, path: Path, indent: int, column: int, suffix: int) -> str:
        if isinstance(value, Ref):
            return reindent(self.pieces(value).text, indent, column)
        if isinstance(value, dict):
            return self._dict(value, path, indent, column, suffix)
        if isinstance(value, (list, tuple)):
            return self._sequence(value, path, indent, column, suffix)
        return self.literal(value)

    def _dict(self, value: dict[Any, Any], path: Path, indent: int, column: int, suffix: int) -> str:
        keys = in_order(path, value)
        braces = self.style.braces or not all(
            isinstance(key, str) and key.isidentifier() and not iskeyword(key) for key in keys
        )
        items = [self._item(f"{self.literal(key)}: " if braces else f"{key}=", value[key]) for key in keys]
        opening, closing = ("{", "}") if braces else ("dict(", ")")
        return self._brackets(opening, closing, items, [(*path, key) for key in keys], indent, column, suffix)

    def _sequence(self, value: Any, path: Path, indent: int, column: int, suffix: int) -> str:
        opening, closing = ("[", "]") if isinstance(value, list) else ("(", ")")
        if isinstance(value, tuple) and len(value) == 1:
            closing = ",)"
        paths = [(*path, i) for i in range(len(value))]
        return self._brackets(opening, closing, [self._item("", item) for item in value], paths, indent, column, suffix)

    def _item(self, prefix: str, value: Any) -> _Item:
        return _Item(prefix, value, self.pieces(value) if isinstance(value, Ref) else None)

    def _brackets(
        self,
        opening: str,
        closing: str,
        items: list[_Item],
        paths: list[Path],
        indent: int,
        column: int,
        suffix: int,
    ) -> str:
        """On one line if it fits; else the items on one line of their own; else one line each."""
        below = self.below.get(paths[0][:-1], ()) if paths else ()
        if not below and not any(item.piece and (item.piece.leading or item.piece.trailing) for item in items):
            flat = (
                ", ".join(
                    item.prefix + self._value(item.value, path, indent, -(10**4), 0)
                    for item, path in zip(items, paths, strict=True)
                )
                if not any(
                    _spreads(value) for value in ([item.value for item in items], *(item.value for item in items))
                )
                else "\n"
            )
            if "\n" not in flat:
                if column + len(opening + flat + closing) + suffix <= self.style.width:
                    return opening + flat + closing
                if opening == "dict(" and indent + _INDENT + len(flat + closing) + suffix <= self.style.width:
                    return f"{opening}\n{' ' * (indent + _INDENT)}{flat}{closing}"
        return self._exploded(opening, closing, items, paths, indent, suffix, below)

    def _exploded(
        self,
        opening: str,
        closing: str,
        items: list[_Item],
        paths: list[Path],
        indent: int,
        suffix: int,
        below: Sequence[str],
    ) -> str:
        pad = " " * (indent + _INDENT)
        own_line = (
            opening == "["
            or self.style.closing_line
            or bool(below or (items and items[-1].piece and items[-1].piece.trailing))
        )
        lines = [opening]
        for item, path in zip(items, paths, strict=True):
            last = item is items[-1] and not below
            piece = item.piece or Piece("")
            lines += [pad + comment for comment in piece.leading]
            after = 1 if not last or own_line else suffix + len(closing)
            text = self._value(item.value, path, indent + _INDENT, len(pad + item.prefix), after)
            comma = "" if last and not (own_line and opening != "[") else ","
            if last and piece.trailing:
                comma = ","
            lines.append(f"{pad}{item.prefix}{text}{comma}{f'  {piece.trailing}' if piece.trailing else ''}")
        lines += [pad + comment for comment in below]
        if own_line:
            return "\n".join([*lines, " " * indent + closing.lstrip(",")])
        return "\n".join(lines) + closing

    def literal(self, value: Any) -> str:
        """A Python literal that evaluates to ``value``; raises NotExpressible for what has none."""
        if isinstance(value, str):
            return _quoted(value, self.style.quote)
        if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
            return f"float({_quoted(str(value), self.style.quote)})"
        if isinstance(value, set) and value:
            return "{" + ", ".join(sorted(self.literal(item) for item in value)) + "}"
        if isinstance(value, Undecided) or not isinstance(
            value, (bool, int, float, complex, bytes, range, type(None), set)
        ):
            raise NotExpressible(f"{value!r} has no literal form.")
        return repr(value)


def no_reference(ref: Ref) -> Piece:
    """For templates that hold no reference: a `Renderer` never calls it."""
    raise AssertionError(f"a plain value holds a reference: {ref}")


def _spreads(value: Any) -> bool:
    """Lists of several dicts are written one to a line, however short."""
    return isinstance(value, list) and sum(isinstance(item, dict) for item in value) > 1


def _quoted(value: str, quote: str) -> str:
    text = repr(value)
    if text[0] != quote and quote not in value and "\\" not in text:
        return quote + value + quote
    return text


def reindent(text: str, indent: int, column: int) -> str:
    """``text``, taken from elsewhere, with its further lines shifted to where it now stands.

    ``indent`` is the indentation of the line it starts on and ``column`` where on that line.
    """
    first, *rest = text.split("\n")
    if not rest or "'''" in text or '"""' in text:
        return text
    bare = [line for line in rest if line.strip()]
    margin = min((len(line) - len(line.lstrip(" ")) for line in bare), default=0)
    opened = _open_bracket(first)
    if opened is None:
        start = column
    elif opened == len(re.sub(r"\s*#.*$", "", first).rstrip()) - 1:  # hanging: nothing follows the bracket
        closers = [line for line in bare if len(line) - len(line.lstrip(" ")) == margin]
        start = indent if all(line.lstrip(" ")[0] in ")]}" for line in closers) else indent + _INDENT
    else:
        start = column + opened + 1
    shift = start - margin
    return "\n".join([first, *(_shift(line, shift) for line in rest)])


def _shift(line: str, by: int) -> str:
    if not line.strip():
        return line
    return " " * by + line if by >= 0 else line[min(-by, len(line) - len(line.lstrip(" "))) :]


def _open_bracket(line: str) -> int | None:
    """Where the innermost bracket stands that ``line`` leaves open."""
    stack: list[int] = []
    quote = ""
    for i, char in enumerate(line):
        if quote:
            quote = "" if char == quote and line[i - 1] != "\\" else quote
        elif char in "'\"":
            quote = char
        elif char == "#":
            break
        elif char in "([{":
            stack.append(i)
        elif char in ")]}" and stack:
            stack.pop()
    return stack[-1] if stack else None
