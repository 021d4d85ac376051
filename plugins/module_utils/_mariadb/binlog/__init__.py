"""MariaDB's binary logs, read natively: framed, decoded, grouped to transactions, judged for what can be replayed."""
