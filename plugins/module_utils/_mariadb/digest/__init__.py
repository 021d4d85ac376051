"""From slow statements to advice: what is the same statement, what it costs, how it is run, and which index helps."""
