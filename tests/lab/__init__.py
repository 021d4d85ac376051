"""The embedded lab: a bench with real databases, queues, processes and files in a folder; only the application is a stand-in."""

from .mariadb import MariaDBServer
from .redis_server import RedisServer

__all__ = ["MariaDBServer", "RedisServer"]
