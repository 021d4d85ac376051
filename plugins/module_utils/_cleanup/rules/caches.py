"""What package managers of the bench's account downloaded and can download again."""

from __future__ import annotations

import pwd
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..._bench.layout import Bench
from ..._system.quantities import DAY_SECONDS
from ..choice import Age
from ..registry import Place, Rule

CACHES = (".cache/pip", ".cache/uv", ".cache/yarn", ".npm/_cacache")


def _places(benches: Sequence[Bench]) -> Iterator[Place]:
    for user_id in sorted({bench.owner[0] for bench in benches}):
        try:
            home = Path(pwd.getpwuid(user_id).pw_dir)
        except KeyError:
            continue
        yield from (Place(home / cache) for cache in CACHES)


PACKAGE_CACHES = Rule(
    id="package_caches",
    title="downloads of pip, uv, yarn and npm of the bench's account",
    never_touches="installed packages, env/ and node_modules/; anything outside of the four folders of caches",
    age=Age(90 * DAY_SECONDS),
    places=_places,
)
