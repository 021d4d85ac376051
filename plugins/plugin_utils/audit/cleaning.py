# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Text from hosts, made harmless to look at before any format sees it. Pure.

Escaping is each format's own work. This takes away what no format can hold (XML knows no control characters) and what
fools the eye in all of them, as marks that reverse the direction of the text.
"""

from __future__ import annotations

import math
import unicodedata
from sys import intern
from typing import Any

LONGEST_TEXT = 2000
# Words of several scripts are written with them.
JOINERS = "\u200c\u200d"
UNPRINTABLE = "\ufffd"


def clean_text(text: str) -> str:
    """Return a text in one line without control characters, cut to ``LONGEST_TEXT`` characters."""
    if len(text) > LONGEST_TEXT:
        text = f"{text[: LONGEST_TEXT - 1]}…"
    if not text.isprintable():
        text = "".join(character if character.isprintable() else _replacement(character) for character in text)
    return intern(text)


def clean_value(value: Any) -> Any:
    """Return a value of JSON with all its texts cleaned; a number that JSON cannot hold becomes nothing."""
    if isinstance(value, str):
        # A plain str, whatever Ansible made of it.
        return clean_text(str(value))
    if isinstance(value, dict):
        return {clean_text(str(name)): clean_value(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean_value(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, (bool, int, float)) else clean_text(str(value))


def _replacement(character: str) -> str:
    category = unicodedata.category(character)
    if character in JOINERS:
        return character
    if category == "Cf":
        return ""
    return " " if category[0] == "Z" or character in "\t\n\r\v\f\x85" else UNPRINTABLE
