"""The names that ``bench backup`` gives to the artifacts of a set."""

from __future__ import annotations

import re
from dataclasses import dataclass

DATABASE = "database"
FILES = "files"
PRIVATE_FILES = "private_files"
SITE_CONFIG = "site_config"
KINDS = (DATABASE, FILES, PRIVATE_FILES, SITE_CONFIG)
KIND_TITLES = {
    DATABASE: "the database dump",
    FILES: "the archive of public files",
    PRIVATE_FILES: "the archive of private files",
    SITE_CONFIG: "the site's configuration",
}
ARCHIVE_KINDS = (FILES, PRIVATE_FILES)
# Of physical sets: the statements that make tables, a file of a table, and all of those in one archive.
SCHEMA = "schema"
TABLESPACE = "tablespace"
TABLESPACES = "tablespaces"

# An agent that streams to an object store writes this instead of the site's slug.
STREAMED_SLUG = "stream"
# bench gives this suffix to an encrypted artifact while it restores from it.
RENAMED_SUFFIX = ".gpg"

_RUN = r"(?P<timestamp>\d{8}_\d{6})-(?P<slug>.+?)"
_PATTERNS = (
    (DATABASE, re.compile(_RUN + r"(?P<partial>-partial)?-database(?P<encrypted>-enc)?\.sql\.gz")),
    (PRIVATE_FILES, re.compile(_RUN + r"-private-files(?P<encrypted>-enc)?\.(?:tar|tgz)")),
    (FILES, re.compile(_RUN + r"-files(?P<encrypted>-enc)?\.(?:tar|tgz)")),
    (SITE_CONFIG, re.compile(_RUN + r"-site_config_backup(?P<encrypted>-enc)?\.json")),
)


@dataclass(frozen=True)
class ArtifactName:
    """What a file's name says; the content may say otherwise.

    Attributes:
        kind: One of ``KINDS``.
        timestamp: When the run began, in the site's own time zone: it pairs artifacts, and is never used as a time.
        slug: The site with ``.`` written as ``_``, or ``stream``.
        partial: The name says that the dump leaves tables out.
        encrypted: The name says ``-enc``.
    """

    kind: str
    timestamp: str
    slug: str
    partial: bool
    encrypted: bool


def parse_artifact_name(name: str) -> ArtifactName | None:
    """Return what the name of a file says, or None when ``bench backup`` does not name files so."""
    stem = name[: -len(RENAMED_SUFFIX)] if name.endswith(RENAMED_SUFFIX) else name
    for kind, pattern in _PATTERNS:
        match = pattern.fullmatch(stem)
        if match:
            found = match.groupdict()
            return ArtifactName(
                kind, found["timestamp"], found["slug"], bool(found.get("partial")), bool(found["encrypted"])
            )
    return None


def site_slug(site: str) -> str:
    """Return a site's name as it stands in the names of artifacts; ``a.b`` and ``a_b`` share one."""
    return site.replace(".", "_")
