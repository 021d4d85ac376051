# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the options that say how to reach MariaDB."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of ``LOGIN_ARGUMENTS``; the names are those of the community.mysql collection."""

    DOCUMENTATION = r"""
options:
  login_user:
    description:
      - The account that administers the server.
      - Without it, the C(user) of O(config_file), else V(root).
    type: str
  login_password:
    description:
      - The password of O(login_user). Leave it out where the account logs in by C(unix_socket).
    type: str
  login_host:
    description:
      - The host of the server. Not used when O(login_unix_socket) is given.
    type: str
    default: localhost
  login_port:
    description:
      - The TCP port of the server.
    type: int
    default: 3306
  login_unix_socket:
    description:
      - The path of the server's socket.
    type: str
  config_file:
    description:
      - An option file; its section C([client]) fills what the other options leave open. It need not exist.
    type: path
    default: ~/.my.cnf
  ca_cert:
    description:
      - The certificate of the authority that signed the server's certificate. With it, the connection is encrypted and
        the server's name is checked.
    type: path
  client_cert:
    description:
      - The client's certificate.
    type: path
  client_key:
    description:
      - The key of O(client_cert).
    type: path
  connect_timeout:
    description:
      - Seconds to wait for the server's first answer.
    type: int
    default: 30
requirements:
  - PyMySQL on the host, or in the bench's own Python environment
"""
