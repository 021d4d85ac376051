"""Reading ``EXPLAIN FORMAT=JSON``: how each table is read, and what smells about it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

# Below this many rows, reading a whole table is the quickest way.
MANY_ROWS = 1000
# A full scan that keeps fewer rows than this wants an index.
FEW_PERCENT = 10.0
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
JOIN_BUFFERS = ("block-nl-join", "bnl-hash-join", "bka-join", "bkah-join")
FULL_READS = ("ALL", "index")


@dataclass(frozen=True)
class TableAccess:
    """How a plan reads one table.

    Attributes:
        alias: What the statement calls the table.
        access_type: ``ALL`` reads it whole, ``index`` reads a whole index, ``ref`` looks up.
        rows: How many rows the server expects to read, each time.
        filtered_percent: How many of them it expects to keep.
        key: The index that is used, or an empty text.
        possible_keys: The indexes that could be used.
        condition: What rows must fulfil; it holds values, so it must not be shown.
        is_buffered_join: Whether it is joined without an index, through a buffer.
    """

    alias: str
    access_type: str
    rows: int
    filtered_percent: float
    key: str
    possible_keys: tuple[str, ...]
    condition: str
    is_buffered_join: bool


@dataclass(frozen=True)
class Plan:
    """A plan: the tables in the order in which they are read, and what happens to the rows after."""

    tables: tuple[TableAccess, ...]
    sort_keys: tuple[str, ...] = ()
    has_temporary_table: bool = False


class _Object(list[Any]):
    """A JSON object as pairs: before 10.11 the server writes ``table`` several times into one object."""


@dataclass
class _Found:
    tables: list[TableAccess] = field(default_factory=list)
    sort_keys: list[str] = field(default_factory=list)
    has_temporary_table: bool = False


def parse_plan(text: str) -> Plan:
    """Read a plan.

    Args:
        text: What ``EXPLAIN FORMAT=JSON`` returned.

    Raises:
        ValueError: It is no JSON.
    """
    found = _Found()
    _look_into(json.loads(_ESCAPE.sub(_valid_escape, text), object_pairs_hook=_Object), found, in_join_buffer=False)
    return Plan(tuple(found.tables), tuple(found.sort_keys), found.has_temporary_table)


def smells(plan: Plan) -> list[str]:
    """Say in one sentence each what is wrong with a plan; no value of any row is in them."""
    return list(_smells(plan))


def _smells(plan: Plan) -> Iterator[str]:
    for table in plan.tables:
        if table.rows >= MANY_ROWS and table.access_type in FULL_READS:
            what = "the whole table" if table.access_type == "ALL" else f"the whole index {table.key} of"
            yield f"reads {what} {table.alias}, about {table.rows} rows"
            if table.filtered_percent < FEW_PERCENT:
                yield f"keeps about {table.filtered_percent:.1f} % of the rows of {table.alias}"
        if table.possible_keys and not table.key:
            yield f"does not use {', '.join(table.possible_keys)} of {table.alias}, though it could"
        if table.is_buffered_join:
            yield f"joins {table.alias} without an index, through a buffer"
    most_rows = max((table.rows for table in plan.tables), default=0)
    if plan.sort_keys and most_rows >= MANY_ROWS:
        yield f"sorts up to {most_rows} rows without an index"
    if plan.has_temporary_table and most_rows >= MANY_ROWS:
        yield "fills a temporary table"


def _valid_escape(match: re.Match[str]) -> str:
    r"""Escape the backslash of what the server writes as SQL has it, as ``\'`` within a condition."""
    return match.group() if match[1] in '"\\/bfnrtu' else "\\" + match.group()


def _look_into(node: Any, found: _Found, *, in_join_buffer: bool) -> None:
    if isinstance(node, _Object):
        for key, value in node:
            if key == "table" and isinstance(value, _Object):
                found.tables.append(_access(dict(value), in_join_buffer))
            elif key == "filesort" and isinstance(value, _Object):
                found.sort_keys += re.split(r", (?=[^)]*(?:\(|$))", str(dict(value).get("sort_key", "")))
            found.has_temporary_table |= key == "temporary_table"
            _look_into(value, found, in_join_buffer=key in JOIN_BUFFERS)
        if in_join_buffer and found.tables and "attached_condition" in dict(node):
            _add_join_condition(str(dict(node)["attached_condition"]), found)
    elif isinstance(node, list):
        for item in node:
            _look_into(item, found, in_join_buffer=in_join_buffer)


def _add_join_condition(condition: str, found: _Found) -> None:
    """Give the table of a join buffer the condition that the server writes beside it."""
    last = found.tables[-1]
    conditions = " and ".join(f"({text})" for text in (last.condition, condition) if text)
    found.tables[-1] = replace(last, condition=conditions)


def _access(table: dict[str, Any], is_buffered_join: bool) -> TableAccess:
    return TableAccess(
        alias=str(table.get("table_name", "")),
        access_type=str(table.get("access_type", "")),
        rows=int(table.get("rows", 0)),
        filtered_percent=float(table.get("filtered", 100)),
        key=str(table.get("key", "")),
        possible_keys=tuple(map(str, table.get("possible_keys", ()))),
        condition=str(table.get("attached_condition", "")),
        is_buffered_join=is_buffered_join,
    )
