# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the options that tell checks what cannot be found out by looking."""

from __future__ import annotations


class ModuleDocFragment:
    """The fields of ``Settings``, one by one."""

    DOCUMENTATION = r"""
options:
  backup_paths:
    description:
      - Folders with backup sets besides the sites' own.
    type: list
    elements: str
    default: []
  expected_listeners:
    description:
      - Ports that may listen on other than loopback addresses.
    type: list
    elements: int
    default: [22, 80, 443]
  tls_port:
    description:
      - The port on which the sites are served with a certificate.
    type: int
    default: 443
  offsite_paths:
    description:
      - Folders (mounted, or written by a tool) in which each backup set must be found again.
    type: list
    elements: str
    default: []
  repository_path:
    description:
      - Where the collection's own backup sets and the archives of binary logs lie.
    type: str
    default: /var/backups/lifeboat
  escrowed_key_fingerprints:
    description:
      - The first 12 hexadecimal digits of the SHA-256 of each encryption key that is kept off the host.
    type: list
    elements: str
    default: []
"""
