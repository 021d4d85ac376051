"""Stands in for the application, nothing else: enough of Frappe's behaviour to see whether a site works.

The lab copies this package into a bench as ``apps/frappe/frappe``. It has Frappe's module names because gunicorn and
the queue's workers find their entry points by those names. None of it is Frappe's code.
"""

from __future__ import annotations

__version__ = "15.55.1"


def ping() -> str:
    """Answer, so that a job of the queue can prove that a worker runs."""
    return "pong"
