"""Which columns of a table that is read whole could have an index that helps, and which of them are worth one."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ..indexes import Index
from .fingerprint import mask_literals
from .plan import FULL_READS, Plan, TableAccess

# The share of a table that a lookup may fetch (Frappe's own database optimizer: 0.3).
MOST_FETCHED = 0.3
# A plan that expects to read less of a table than this has its index already.
LEAST_READ = 0.1
_NAME = r"(?:`((?:[^`]|``)+)`|([A-Za-z_][\w$]*))"
_ALTERNATIVES = re.compile(r"\([^()]*\bor\b[^()]*\)", re.IGNORECASE)
_CALL = re.compile(r"\w+`?\([^()]*\)")
_INNER_PARENTHESES = re.compile(r"\(([^()]*)\)")
_NO_ALIAS = (
    r"where|left|right|inner|outer|cross|natural|straight_join|join|on|using|use|force|ignore|group|order|having|limit"
    r"|union|for|window|procedure"
)
_TABLE = re.compile(
    rf"\b(?:from|join)\s+(?:{_NAME}\s*\.\s*)?{_NAME}(?:\s+(?:as\s+)?(?!(?:{_NO_ALIAS})\b){_NAME})?", re.IGNORECASE
)
# An index of such a column needs a length, or does not exist.
_UNINDEXED_TYPES = ("text", "blob", "json", "geometry")


@dataclass(frozen=True)
class TableFacts:
    """What is known of a table: its rows (the server's estimate), the type of each column, its indexes."""

    rows: int
    column_types: Mapping[str, str]
    indexes: Sequence[Index]


def table_of(alias: str, statement: str) -> str:
    """Return the table that a statement calls by an alias."""
    for match in _TABLE.finditer(mask_literals(statement)):
        if alias in (match[5], match[6]):
            return match[3] or match[4]
    return alias


def wanted_columns(access: TableAccess, plan: Plan) -> list[str]:
    """Return the columns by which a table that is read whole is searched, those compared for equality first.

    Only comparisons that every row must fulfil count: an index on one side of an OR is of no use. Where there is none,
    the first column that the rows are sorted by counts.
    """
    condition = mask_literals(access.condition)
    while condition != (shorter := _without_parentheses(condition)):
        condition = shorter
    found: list[str] = []
    if not re.search(r"\bor\b", condition, re.IGNORECASE):
        for operators in (r"(?:=|<=>|\bin\b)", r"(?:[<>]=?|\bbetween\b)"):
            found += _columns_compared(access.alias, condition, operators)
    if not found and not condition and len(plan.tables) == 1:
        found += [
            column for key in plan.sort_keys[:1] for column in _columns_compared(access.alias, key, r"(?:desc|$)")
        ]
    return list(dict.fromkeys(found))


def worth_an_index(columns: Sequence[str], facts: TableFacts) -> list[str]:
    """Leave out what cannot have an index, and what an index that is there begins with already."""
    first_columns: Collection[str] = {index.parts[0].column for index in facts.indexes if not index.is_ignored}
    return [
        column
        for column in columns
        if column in facts.column_types
        and not facts.column_types[column].endswith(_UNINDEXED_TYPES)
        and column not in first_columns
    ]


def reads_too_much(access: TableAccess, facts: TableFacts) -> bool:
    """Tell whether a plan reads a table whole, and more than a tenth of it."""
    return access.access_type in FULL_READS and access.rows > LEAST_READ * facts.rows


def _without_parentheses(condition: str) -> str:
    """Drop the innermost parentheses that hold an OR and the innermost calls of functions, and open the others."""
    shorter = _ALTERNATIVES.sub(" ", _CALL.sub(" ", condition))
    return shorter if shorter != condition else _INNER_PARENTHESES.sub(r" \1 ", condition)


def _columns_compared(alias: str, condition: str, operators: str) -> list[str]:
    qualifier = rf"(?:`{re.escape(alias.replace('`', '``'))}`|\b{re.escape(alias)})\."
    before = re.compile(rf"{qualifier}{_NAME}\s*{operators}", re.IGNORECASE)
    after = re.compile(rf"(?<![<>!])=\s*{qualifier}{_NAME}", re.IGNORECASE)
    matches = [*before.finditer(condition), *(after.finditer(condition) if "=" in operators[:4] else ())]
    return [match[1] or match[2] for match in sorted(matches, key=lambda match: match.start())]
