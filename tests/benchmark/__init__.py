"""How fast a recovery is, against what ``bench restore`` does and against myloader: ``python -m tests.benchmark``."""
