"""MariaDB: connections, accounts, dumps and their load. Knows nothing of Frappe."""
