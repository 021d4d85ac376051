# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The document itself: readable lines, one a finding and a host, and no more of it in memory at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def json_text(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the document as JSON, one line for each entry of a list."""
    opening = "{\n"
    for name, value in document.items():
        yield f"{opening}{json.dumps(name)}: "
        yield from json_list(value) if isinstance(value, list) else [json.dumps(value, ensure_ascii=False)]
        opening = ",\n"
    yield "\n}\n"


def json_list(values: Iterable[Any]) -> Iterator[str]:
    """Yield a list as JSON, one line for each value."""
    yield "["
    separator = "\n"
    for value in values:
        yield separator + json.dumps(value, ensure_ascii=False)
        separator = ",\n"
    yield "]"
