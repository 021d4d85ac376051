"""Changes of single rows, as raw bytes: enough to tell whether two images of a row are the same, and nothing more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from . import events
from .decoding import decode_gtid
from .events import BinlogReader
from .gtids import Gtid
from .logs import LogFile
from .stream import open_binlog
from .tables import OPERATION_BY_TYPE, MappedTables, decode_rows


@dataclass(frozen=True)
class RowChange:
    """A change of one row.

    Attributes:
        gtid: Its transaction.
        database, table: Where the row is.
        operation: ``inserted``, ``updated`` or ``deleted``.
        images: The row before and after an update; of an insert or a delete the one that there is. A bitmap of the
            columns that are NULL, then the values, as the server stores them in the log.
    """

    gtid: Gtid
    database: str
    table: str
    operation: str
    images: tuple[bytes, ...] = field(repr=False)


def read_row_changes(
    log: LogFile, begin_offset: int, end_offset: int, has_successor: bool = False
) -> Iterator[RowChange]:
    """Yield the row changes of a part of a file.

    Args:
        log: The file.
        begin_offset: Where a transaction begins.
        end_offset: Where a transaction ends.
        has_successor: As ``BinlogReader`` takes it.

    Raises:
        LifeboatError: As ``BinlogReader`` does.
        ValueError: An event cannot be understood, or a table has a column whose length the log does not say.
    """
    tables = MappedTables()
    gtid: Gtid | None = None
    with open_binlog(log.path) as stream:
        for event in BinlogReader(stream, log.name, has_successor=has_successor):
            if event.end_offset > end_offset:
                return
            if event.type == events.TABLE_MAP:
                tables.add(event.body)
            elif event.offset < begin_offset:
                continue
            elif event.type == events.GTID:
                gtid = decode_gtid(event.body, event.server_id).gtid
            elif event.type in OPERATION_BY_TYPE and gtid is not None:
                rows = decode_rows(event.type, event.body)
                splitter = tables.of(rows)
                if splitter is not None:
                    table = splitter.table
                    for images in splitter.images(rows):
                        yield RowChange(gtid, table.database, table.name, rows.operation, images)
