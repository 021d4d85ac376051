"""Texts of errors without what must not be shown: passwords, tokens, addresses of people and hosts, numbers, values."""

from __future__ import annotations

import re

# Longer texts are cut before they are masked; a message says what it has to say at its start.
MOST_CHARACTERS = 4000

_HIDDEN = (
    r"passw(?:or)?d|passwd|pwd|secret|token|api[_-]?key|encryption[_-]?key|authorization|bearer|sid|cookie|otp|pin"
)
# The order matters: what names a secret goes before what only looks like one.
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(\w{1,20}://)[^\s/@'\"]{1,200}@"), r"\1...@"),
    (re.compile(r"\b(authorization|cookie)(['\"]?\s{0,3}[:=]\s{0,3})[^\r\n]{1,500}", re.I), r"\1\2..."),
    (re.compile(r"\b(token|bearer|basic)\s{1,3}[\w.:+/=-]{8,500}", re.I), r"\1 ..."),
    (
        re.compile(
            rf"((?:\b|_)(?:{_HIDDEN})['\"]?\s{{0,3}}[:=]\s{{0,3}})(?:'[^']{{0,500}}'|\"[^\"]{{0,500}}\"|[^\s,;&)}}]{{1,500}})",
            re.I,
        ),
        r"\1...",
    ),
    (re.compile(r"[\w.+%-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){0,6}"), "...@..."),
    # A key in Fernet's form, a hash, a session id: long, and with digits among the letters.
    (re.compile(r"(?<![\w/.-])(?=[A-Za-z_+/-]{0,60}\d)[A-Za-z0-9_+/-]{24,500}={0,2}(?![\w/])"), "..."),
    (re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])"), "<address>"),
    (re.compile(r"(?<![\w:])(?:[0-9A-Fa-f]{1,4}:){2,7}:?[0-9A-Fa-f]{1,4}(?![\w:])(?<!:\d\d)"), "<address>"),
    (
        re.compile(
            r"(?<![\w.,+-])(?!\d{4}[-/]\d\d[-/]\d\d)\+?\(?\d{2,4}\)?(?:[ ./-]\(?\d{2,5}\)?){2,5}(?![\w:,.])"
            r"|(?<![\w.])\+\d{8,15}\b"
        ),
        "<number>",
    ),
)
# A quoted word after one of these names a thing of the software and not a value of somebody.
_NAMED = re.compile(
    r"(?i)\b(column|table|key|field|database|index|named|attribute|module|function|method|operation|command|parameter|"
    r"variable|app|doctype|than|object|argument|name|import)\s{1,2}$"
)
# An apostrophe within a word (can't) neither begins nor ends a quotation.
_QUOTED = re.compile(
    r"(?<!\w)b?(?:'(?P<single>(?:[^'\\\n]|\\.|(?<=\w)'(?=\w)){0,500})'(?!\w)|\"(?P<double>(?:[^\"\\\n]|\\.){0,500})\")"
)
_MARKED_UP = re.compile(r"(<(?:b|strong|a|i|em)\b[^<>]{0,300}>)[^<>]{1,300}(</)", re.I)
_NAME_LIKE = re.compile(r"[\w.`/#@-]{1,120}\Z")


def mask_text(text: str) -> str:
    """Return a text of an error as it may be shown.

    Values in quotes, and in bold where Frappe quotes a document, become ``?``; names of columns, tables, keys, modules
    and attributes stay. Paths, statuses and error numbers stay as well.
    """
    masked = text[:MOST_CHARACTERS]
    for pattern, replacement in _RULES:
        masked = pattern.sub(replacement, masked)
    return _MARKED_UP.sub(r"\1?\2", masked)


def mask_message(message: str) -> str:
    """Return the message of an exception as it may be shown: also without the values that it quotes."""
    return _without_values(mask_text(message))


def _without_values(text: str) -> str:
    pieces: list[str] = []
    position = 0
    for found in _QUOTED.finditer(text):
        pieces.append(text[position : found.start()])
        quote, inner = ("'", found["single"]) if found["single"] is not None else ('"', found["double"])
        pieces.append(quote + _shown_value(inner, pieces[-1]) + quote)
        position = found.end()
    return "".join((*pieces, text[position:]))


def _shown_value(inner: str, before: str) -> str:
    if "'" in inner or " " in inner.strip():
        # The text of a server within the text of its library: (1062, "Duplicate entry '...' for key 'name'").
        return _without_values(inner) if before.rstrip().endswith((",", "(")) else "?"
    if _NAMED.search(before) and _NAME_LIKE.match(inner):
        return inner
    return "?" if inner else inner
