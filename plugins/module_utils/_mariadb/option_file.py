"""A login as an option file, for MariaDB's own programs."""

from __future__ import annotations

from .connection import LoginOptions, with_config_file


def option_file(login: LoginOptions, group: str = "client") -> str:
    """Return the text of an option file with which a program reaches a server; it holds the password.

    Args:
        login: The server and the account.
        group: The group of options that the program reads: ``client``, ``mariadb-backup``.
    """
    login = with_config_file(login)
    place = (
        {"socket": login.login_unix_socket, "protocol": "socket"}
        if login.login_unix_socket
        else {"host": login.login_host, "port": str(login.login_port), "protocol": "tcp"}
    )
    values = {
        "user": login.login_user or "root",
        "password": login.login_password,
        "ssl-ca": login.ca_cert,
        "ssl-cert": login.client_cert,
        "ssl-key": login.client_key,
        **place,
    }
    lines = [f"{name}={_quoted(value)}" for name, value in values.items() if value]
    return "\n".join([f"[{group}]", *lines, ""])


def _quoted(value: str) -> str:
    """Quote a value of an option file, in which # begins a comment and a backslash an escape."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'
