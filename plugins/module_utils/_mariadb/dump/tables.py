"""Reading CREATE TABLE: its engine, columns and collations, and the keys that can wait until the rows are in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .masking import COMPRESSED_COLUMN, mask
from .tokenizer import statement_refused

ENGINES = frozenset((b"ARIA", b"INNODB", b"MEMORY", b"MYISAM"))

_NAME = rb"`[^`]*(?:``[^`]*)*`"
_TABLE = re.compile(rb"CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?(%s)\s*\(" % _NAME, re.I)
_QUALIFIED = re.compile(rb"`_*`\s*\.\s*`_*`")
_FORBIDDEN_IN_TABLE = re.compile(rb"\b(SELECT|DIRECTORY|CONNECTION|UNION|INTO|LOAD_FILE)\b|(@)|(;)", re.I)
_ENGINE = re.compile(rb"\bENGINE\s*=\s*(\w+)", re.I)
_OPTION = re.compile(
    rb"\s*(?:(?:ENGINE|AUTO_INCREMENT|(?:DEFAULT )?CHARSET|COLLATE|ROW_FORMAT|KEY_BLOCK_SIZE|PAGE_CHECKSUM"
    rb"|TRANSACTIONAL|CHECKSUM|DELAY_KEY_WRITE|PACK_KEYS|MIN_ROWS|MAX_ROWS|AVG_ROW_LENGTH|STATS_PERSISTENT|STATS_AUTO_RECALC"
    rb"|STATS_SAMPLE_PAGES|`_*`)\s*=\s*(?:\w+|'_*')|COMMENT='_*(?:''_*)*'|WITH SYSTEM VERSIONING"
    rb"|PARTITION BY .*\Z)",
    re.I | re.S,
)
_COLLATION = re.compile(rb"\bCOLLATE[ =](\w+)", re.I)
_BRACKETS = re.compile(rb"[(),]")
_LATER_KEY = re.compile(rb"\s*(FULLTEXT )?KEY `_*(?:``_*)*` \((`_*(?:``_*)*`)", re.I)
_COLUMN = re.compile(rb"\s*(%s)" % _NAME)
_DEFINITION = re.compile(
    rb"\s*(?:`|(?:PRIMARY |UNIQUE |FULLTEXT |SPATIAL )?KEY\b|CONSTRAINT `|CHECK \(|PERIOD FOR |FOREIGN KEY\b)", re.I
)


@dataclass(frozen=True)
class KeyDefinition:
    """A key that can be added after the rows.

    Attributes:
        definition: As it stands in CREATE TABLE.
        start: Where it, with the comma before it, begins in the text of the table.
        end: Where it ends there.
        is_fulltext: Whether it is a FULLTEXT key; InnoDB adds one of those at a time.
    """

    definition: bytes
    start: int
    end: int
    is_fulltext: bool


@dataclass(frozen=True)
class CreateTable:
    """A base table. ``name`` is quoted; ``later_keys`` may be added after the rows are in."""

    name: bytes
    text: bytes
    line: int
    engine: str
    columns: tuple[bytes, ...]
    collations: frozenset[str]
    later_keys: tuple[KeyDefinition, ...]

    @property
    def is_transactional(self) -> bool:
        """Whether what a statement did to the table can be undone."""
        return self.engine.upper() == "INNODB"


def read_table(text: bytes, line: int) -> CreateTable:
    """Read a CREATE TABLE as mariadb-dump and mysqldump write it.

    Raises:
        LifeboatError: ``statement_refused`` for whatever reaches beyond the table: another database, a storage engine
            that fetches its data elsewhere, a folder of its own, a query.
    """
    masked = mask(text)
    head = _TABLE.match(text)
    if head is None:
        raise statement_refused(line, "CREATE TABLE in a form that no dump has")
    pieces, end = _split_definitions(masked, head.end(), line)
    _check_table(masked, pieces, end, line)
    engine = _ENGINE.search(masked, end)
    columns = [
        column.group(1) for start, stop in pieces for column in [_COLUMN.match(text, start, stop)] if column is not None
    ]
    return CreateTable(
        name=head.group(1),
        text=text,
        line=line,
        engine=engine.group(1).decode() if engine else "",
        columns=tuple(columns),
        collations=frozenset(found.decode() for found in _COLLATION.findall(masked)),
        later_keys=_later_keys(text, masked, pieces) if engine and engine.group(1).upper() == b"INNODB" else (),
    )


def _split_definitions(masked: bytes, start: int, line: int) -> tuple[list[tuple[int, int]], int]:
    """Split what is between the parentheses of CREATE TABLE; return the pieces and the position after them."""
    pieces: list[tuple[int, int]] = []
    depth = 1
    piece_start = start
    for bracket in _BRACKETS.finditer(masked, start):
        character = bracket.group()
        if character == b"(":
            depth += 1
        elif character == b")":
            depth -= 1
        if depth == 0 or (depth == 1 and character == b","):
            pieces.append((piece_start, bracket.start()))
            piece_start = bracket.end()
        if depth == 0:
            return pieces, bracket.end()
    raise statement_refused(line, "CREATE TABLE without its closing parenthesis")


def _check_table(masked: bytes, pieces: list[tuple[int, int]], end: int, line: int) -> None:
    if _QUALIFIED.search(masked):
        raise statement_refused(line, "CREATE TABLE that names another database")
    if b"/*" in masked.replace(COMPRESSED_COLUMN, b""):
        raise statement_refused(line, "CREATE TABLE with a versioned comment in it")
    forbidden = _FORBIDDEN_IN_TABLE.search(masked)
    if forbidden:
        raise statement_refused(line, f"CREATE TABLE with {forbidden.group().upper().decode()}")
    if not all(_DEFINITION.match(masked, start, stop) for start, stop in pieces):
        raise statement_refused(line, "CREATE TABLE with a definition that no dump has")
    for engine in _ENGINE.findall(masked, end):
        if engine.upper() not in ENGINES:
            raise statement_refused(line, f"CREATE TABLE in the storage engine {engine.upper().decode()[:32]}")
    position = end
    option = _OPTION.match(masked, position)
    while option is not None:
        position = option.end()
        option = _OPTION.match(masked, position)
    if masked[position:].strip():
        raise statement_refused(line, "CREATE TABLE with an option that no dump of a site has")


def _later_keys(text: bytes, masked: bytes, pieces: list[tuple[int, int]]) -> tuple[KeyDefinition, ...]:
    """Find the keys that can wait: not PRIMARY, not UNIQUE, not the one that AUTO_INCREMENT needs.

    A table with foreign keys keeps them all, because the server would build their keys twice.
    """
    if re.search(rb"\bFOREIGN KEY\b", masked, re.I):
        return ()
    counting = [
        column.group(1)
        for start, stop in pieces
        for column in [_COLUMN.match(text, start, stop)]
        if column is not None and re.search(rb"\bAUTO_INCREMENT\b", masked[start:stop], re.I)
    ]
    keys = []
    for start, stop in pieces:
        key = _LATER_KEY.match(masked, start, stop)
        if key is not None and text[key.start(2) : key.end(2)] not in counting:
            definition = text[start:stop].strip()
            keys.append(KeyDefinition(definition, start - 1, stop, key.group(1) is not None))
    return tuple(keys)
