"""What package managers of the bench's account downloaded and can download again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..._bench.layout import Bench
from ..._system.quantities import DAY_SECONDS
from ..choice import Age
from ..registry import Place, Rule
from .tool_caches import accounts_of

# Each file of these is known by its content and looked at before it is used, so any of them may be missing.
CACHES = (".cache/pip", ".npm/_cacache")


def _places(benches: Sequence[Bench]) -> Iterator[Place]:
    for account in accounts_of(benches).values():
        yield from (Place(Path(account.pw_dir, cache)) for cache in CACHES)


PACKAGE_CACHES = Rule(
    id="package_caches",
    title="downloads of pip and npm of the bench's account",
    never_touches="installed packages, env/ and node_modules/; anything outside of their two folders",
    age=Age(90 * DAY_SECONDS),
    places=_places,
)
