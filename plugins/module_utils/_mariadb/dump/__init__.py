"""A SQL dump as a stream: decompressed, cut into statements, checked against an allow-list, summarised."""
