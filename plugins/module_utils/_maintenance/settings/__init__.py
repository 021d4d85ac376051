"""The settings of a MariaDB server: advice from the load that was measured, and a file of options that keeps it."""
