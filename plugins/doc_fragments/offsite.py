# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the options that say where copies of the backups lie off-site."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of ``OFFSITE_ARGUMENTS``."""

    DOCUMENTATION = r"""
options:
  offsite_repository:
    description:
      - The restic repository off-site, as restic writes it, for example V(/mnt/offsite/restic) or
        V(s3:https://s3.example.com/bucket/erp). A password must not be in it.
    type: str
  offsite_password:
    description:
      - The password of the restic repository. It goes to restic through a pipe.
    type: str
  s3_access_key_id:
    description:
      - The access key of an S3 service. Without it, the role of the host is used, as restic finds it.
    type: str
  s3_secret_access_key:
    description:
      - The secret of O(s3_access_key_id). Both go to restic in memory that no other process can open by a name.
    type: str
  s3_session_token:
    description:
      - The token of temporary credentials.
    type: str
  s3_region:
    description:
      - The region of the S3 service, where it does not tell.
    type: str
    default: ""
requirements:
  - restic 0.14 or later on the host, where off-site copies are used
"""
