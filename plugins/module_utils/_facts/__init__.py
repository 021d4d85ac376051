"""What an owner asks about a host besides its health: versions, sizes, backups, accounts, and what peers share."""
