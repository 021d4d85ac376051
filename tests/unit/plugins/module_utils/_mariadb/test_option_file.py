from __future__ import annotations

import subprocess
from pathlib import Path

from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import LoginOptions
from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.option_file import option_file
from ansible_collections.lifeboat.frappe.plugins.module_utils._system.commands import secret_file


def options_read_by_a_program(text: str) -> list[str]:
    with secret_file(text) as descriptor:
        result = subprocess.run(
            ["my_print_defaults", f"--defaults-file=/dev/fd/{descriptor}", "client"],
            pass_fds=(descriptor,),
            check=True,
            capture_output=True,
            text=True,
        )
    return result.stdout.splitlines()


def test_program_reads_what_is_written_whatever_the_password_holds() -> None:
    password = "a'b\"c\\d#e;f g=h\\n[client]"
    login = LoginOptions("user", password, "db.example.com", 3307, ca_cert="/ca.pem")
    assert options_read_by_a_program(option_file(login, "client")) == [
        *("--user=user", f"--password={password}", "--ssl-ca=/ca.pem"),
        *("--host=db.example.com", "--port=3307", "--protocol=tcp"),
    ]


def test_socket_comes_before_the_address() -> None:
    login = LoginOptions(login_unix_socket="/run/mysqld/mysqld.sock")
    assert options_read_by_a_program(option_file(login, "client")) == [
        *("--user=root", "--socket=/run/mysqld/mysqld.sock", "--protocol=socket"),
    ]


def test_what_the_login_leaves_open_comes_from_its_own_option_file(tmp_path: Path) -> None:
    (tmp_path / "my.cnf").write_text("[client]\nuser=admin\npassword='secret'\n")
    login = LoginOptions(config_file=str(tmp_path / "my.cnf"))
    assert option_file(login, "mariadb-backup").startswith('[mariadb-backup]\nuser="admin"\npassword="secret"\n')
