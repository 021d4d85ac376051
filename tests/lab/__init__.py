"""The embedded lab: a bench in a folder whose databases, queues, processes and files are real.

Only the application is a stand-in (``app/``).
"""

import conftest  # noqa: F401 - makes the checkout importable as the collection

from .backups import BackupFiles
from .lab import Lab
from .mariadb import MariaDBServer
from .prober import Prober
from .redis_server import RedisServer
from .writer import Writer

__all__ = ["BackupFiles", "Lab", "MariaDBServer", "Prober", "RedisServer", "Writer"]
