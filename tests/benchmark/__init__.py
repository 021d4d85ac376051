"""How fast a recovery is, against what ``bench restore`` does and against myloader: ``python -m tests.benchmark``."""

import conftest  # noqa: F401 - makes the checkout importable as the collection
