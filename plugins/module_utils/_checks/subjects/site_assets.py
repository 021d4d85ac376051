"""Check of the built assets of a bench: without them its sites have no desk and no styles."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ..registry import Measurement, Remediation, UnmeasurableError, check
from ..targets.bench import BenchTarget

NAMES_SHOWN = 5


@check(
    "F17",
    "assets.built",
    title="Built assets",
    subject="site",
    target=BenchTarget,
    measures="Bundles that assets.json names and links of apps that lead nowhere",
    source="sites/assets",
    unit="count",
    warning="0",
    impact="medium",
    remediation=Remediation("Build them: bench build."),
    reference="own proposal",
)
def assets(bench: BenchTarget) -> Iterator[Measurement]:
    """Look whether each bundle that pages ask for is there."""
    folder = bench.bench.sites_path / "assets"
    try:
        bundles = sorted(map(str, json.loads((folder / "assets.json").read_bytes()).values()))
        links = [entry for entry in folder.iterdir() if entry.is_symlink()]
    except FileNotFoundError:
        yield Measurement(1, text="there is no assets.json: nothing was built", severity="critical")
        return
    except (OSError, ValueError, AttributeError):
        raise UnmeasurableError("assets.json cannot be read") from None
    missing = [path for path in bundles if not (bench.bench.sites_path / path.lstrip("/")).exists()]
    broken = [link.name for link in links if not link.exists()]
    problems = (*(f"the link {name} leads nowhere" for name in broken), *(f"{path} is missing" for path in missing))
    yield Measurement(
        len(problems),
        text=f"{len(missing)} of {len(bundles)} bundles are missing, {len(broken)} links lead nowhere",
        evidence=problems[:NAMES_SHOWN],
    )
