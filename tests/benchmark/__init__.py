"""How fast a recovery is, and how cheap the checks of many hosts are: ``python -m tests.benchmark``."""

import conftest  # noqa: F401 - makes the checkout importable as the collection
