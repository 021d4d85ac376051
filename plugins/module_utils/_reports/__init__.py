"""What runs of checks are written as for other programs: the node_exporter and Nagios."""
