"""Values and keys given on the command line: ``--cfg-options optimizer.lr=0.1 model.depth=50``."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import Any

from mmbridge.compat.errors import ConfigError

_CLOSING = {"(": ")", "[": "]"}
_WORDS = {"true": True, "false": False}


def parse_options(options: Iterable[str]) -> dict[str, Any]:
    """``KEY=VALUE`` texts as a dict from dotted key to value; a later one wins over an earlier one.

    Raises ConfigError for a text without ``=`` or with brackets that do not match.
    """
    parsed: dict[str, Any] = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals or not key:
            raise ConfigError(f"--cfg-options: expected KEY=VALUE, found {option!r}; write the key, '=', the value.")
        parsed[key] = parse_value(value)
    return parsed


def parse_value(text: str) -> Any:
    """The value that ``text`` stands for, by the grammar of both engines' DictAction.

    ``1`` int, ``1e-3`` float, ``true``/``False`` bool, ``None``, ``(1,2)`` tuple, ``[1,2]`` or ``1,2`` list,
    nested as deep as wanted; anything else a string. Quotes around it are dropped, spaces inside it too.
    """
    text = text.strip("'\"").replace(" ", "")
    kind = text[:1] if text[:1] in _CLOSING and _closes_at(text) == len(text) - 1 else ""
    inner = text[1:-1] if kind else text
    pieces = _split(inner, text)
    if not kind and "," not in text:
        return _scalar(text)
    items = [parse_value(piece) for piece in pieces]
    return tuple(items) if kind == "(" else items


class DictAction(argparse.Action):
    """For ``add_argument('--cfg-options', nargs='+', action=DictAction)``: the options as a dict.

    A repeated flag adds to the earlier ones, as in MMEngine.
    """

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Store the parsed options; a wrong one ends the program with argparse's usage error."""
        given = [values] if isinstance(values, str) else list(values or ())
        try:
            parsed = parse_options(given)
        except ConfigError as error:
            parser.error(str(error))
        setattr(namespace, self.dest, {**(getattr(namespace, self.dest) or {}), **parsed})


def _scalar(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return None if text == "None" else _WORDS.get(text.lower(), text)


def _closes_at(text: str) -> int:
    """The place of the bracket that closes the one ``text`` starts with; -1 if none does."""
    waiting: list[str] = []
    for place, sign in enumerate(text):
        if sign in _CLOSING:
            waiting.append(_CLOSING[sign])
        elif waiting and sign == waiting[-1]:
            waiting.pop()
            if not waiting:
                return place
    return -1


def _split(inner: str, whole: str) -> list[str]:
    """The pieces between the commas that stand in no bracket; a comma at the end starts no piece."""
    pieces, waiting = [""], [""]
    for sign in inner:
        if sign in _CLOSING:
            waiting.append(_CLOSING[sign])
        elif sign == waiting[-1]:
            waiting.pop()
        elif sign in _CLOSING.values():
            break
        if sign == "," and len(waiting) == 1:
            pieces.append("")
        else:
            pieces[-1] += sign
    else:
        if len(waiting) == 1:
            return pieces if pieces[-1] else pieces[:-1]
    raise ConfigError(f"--cfg-options: the brackets of {whole!r} do not match; close each of them.")
