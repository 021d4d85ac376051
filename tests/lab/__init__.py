"""The embedded lab: a bench in a folder whose databases, queues, processes and files are real.

Only the application is a stand-in (``app/``).
"""

from .backups import BackupFiles
from .lab import Lab
from .mariadb import MariaDBServer
from .redis_server import RedisServer

__all__ = ["BackupFiles", "Lab", "MariaDBServer", "RedisServer"]
