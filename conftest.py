"""Makes the checkout importable as the collection `lifeboat.frappe`, whatever its folder is called."""

from __future__ import annotations

import pathlib

from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder

ROOT = pathlib.Path(__file__).resolve().parent
COLLECTIONS_PATH = ROOT / ".cache" / "collections"
LINK = COLLECTIONS_PATH / "ansible_collections" / "lifeboat" / "frappe"

LINK.parent.mkdir(parents=True, exist_ok=True)
if not LINK.is_symlink():
    LINK.symlink_to(ROOT, target_is_directory=True)
_AnsibleCollectionFinder(paths=[str(COLLECTIONS_PATH)])._install()
