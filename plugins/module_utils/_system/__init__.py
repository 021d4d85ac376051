"""What the operating system offers, made safe. Knows nothing of Frappe or MariaDB."""
