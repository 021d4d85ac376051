"""Rows and files of a site: the same for the same seed, and hostile enough to find what mangles data."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

from ansible_collections.lifeboat.frappe.plugins.module_utils._mariadb.connection import execute
from cryptography.fernet import Fernet

from .schema import DOCTYPES, OTHER_STATEMENTS, SEQUENCE_STATEMENT, DocType

if TYPE_CHECKING:
    from pymysql.connections import Connection

DAYS_OF_HISTORY = 120
# The logs that Frappe clears are no older than it lets them become.
DAYS_OF_LOGS = {"Activity Log": 90, "Email Queue": 30, "Error Log": 14, "Scheduled Job Log": 7}
LOG_STATUS = {"Email Queue": "Sent", "Scheduled Job Log": "Complete"}
GROWING_ROWS = 100
SHARE_OF_NULLS = 0.1
ROWS_A_STATEMENT = 500
VOCABULARY = (
    "invoice order München café naïve 東京 мир delivery stock ledger account payment customer support ticket review "
    "approve draft überfällig quality budget forecast plan 🚀 release contract supplier warehouse"
)
WORDS = VOCABULARY.split()
# What text in a row must survive: everything that a line-based filter of a dump takes for something else.
HOSTILE_TEXTS = (
    "/*!50013 DEFINER=`root`@`localhost` SQL SECURITY DEFINER */",
    "/*M!999999\\- enable the sandbox mode */",
    "-- Dump completed on 2020-01-01  0:00:00",
    'it\'s a "quote" and a `backtick`; DROP TABLE `tabUser`;\n\\! touch /tmp/owned\nDELIMITER ;;\n',
    "a\tb\r\nc\\0 \0 \x1a end \\",
    "line\n),\n('fake','row'",
    "😀 emoji, \u202eright-to-left\u202c, combining e\u0301, \ufeffmark",
    "",
)
ENUMERATIONS = {
    "status": ("Open", "Closed", "Draft", "Paid", "Overdue", "Cancelled"),
    "priority": ("Low", "Medium", "High"),
    "reference_doctype": ("Sales Invoice", "Customer", "Item", "User"),
    "reference_type": ("Sales Invoice", "Customer", "Task"),
    "ref_doctype": ("Sales Invoice", "Item", "Customer"),
    "operation": ("Login", "Logout", ""),
    "company": ("Lifeboat GmbH",),
    "account": ("Debtors - L", "Sales - L", "VAT - L", "Bank - L", "Stock In Hand - L"),
    "warehouse": ("Stores - L", "Finished Goods - L", "Transit - L"),
    "voucher_type": ("Sales Invoice", "Payment Entry", "Journal Entry"),
    "method": ("frappe.email.queue.flush", "erpnext.stock.reorder", "frappe.utils.nowhere"),
    "scheduled_job_type": ("queue.flush", "monitor.flush", "user_settings.sync_user_settings"),
    "role": ("System Manager", "Accounts User", "Stock User", "All", "Guest"),
}
PLAIN_VALUES: dict[str, Callable[[random.Random, datetime], Any]] = {
    "Check": lambda numbers, _: numbers.randrange(2),
    "Int": lambda numbers, _: numbers.randrange(1000),
    "Long Int": lambda numbers, _: numbers.randrange(1000),
    "Currency": lambda numbers, _: f"{numbers.randrange(10**9) / 100:.9f}",
    "Date": lambda _, written: written.date(),
    "Datetime": lambda _, written: written,
}
FILE_FOLDERS: tuple[dict[str, Any], ...] = (
    {"name": "Home", "file_name": "Home", "is_folder": 1, "is_home_folder": 1},
    {"name": "Home/Attachments", "file_name": "Attachments", "is_folder": 1, "folder": "Home"},
)
FILES = (
    # name, bytes, private
    ("Angebot Müller & Söhne.txt", 40_000, False),
    ("logo.png", 12_345, False),
    ("logo_small.png", 2_345, False),
    ("empty.txt", 0, False),
    ("naïve café 東京.csv", 90_000, False),
    ("photo with spaces (1).jpg", 300_000, False),
    ("Vertrag geheim.pdf", 200_000, True),
    ("payroll 2026-10.xlsx", 150_000, True),
    ("leer.dat", 0, True),
    ("scan 'quoted' \"double\".bin", 400_000, True),
    ("-leading-dash.txt", 1_000, True),
)


@dataclass(frozen=True)
class SiteContent:
    """What a generated site is to hold.

    Attributes:
        site: Its name.
        seed: The same seed gives the same rows and files.
        scale: A factor of the rows of the DocTypes that grow, and of the number of files.
        now: The moment, in the site's time, before which everything was written.
        encryption_key: The site's Fernet key.
        apps: Version of each installed app.
        administrator_secret: The API secret of Administrator.
        hostile: Whether some rows hold text that a line-based filter of a dump mangles.
    """

    site: str
    seed: int
    scale: int
    now: datetime
    encryption_key: str
    apps: dict[str, str]
    administrator_secret: str
    hostile: bool = True


@dataclass(frozen=True)
class StoredFile:
    """One file of a site, as ``tabFile`` knows it."""

    name: str
    private: bool
    size_bytes: int
    content_hash: str
    thumbnail: str | None

    @property
    def url(self) -> str:
        """Its address within the site."""
        return f"{'/private' if self.private else ''}/files/{self.name}"


def create_tables(connection: Connection[Any]) -> None:
    """Create every table and the sequence in the connection's database."""
    for statement in (*OTHER_STATEMENTS, SEQUENCE_STATEMENT, *(doctype.create_statement() for doctype in DOCTYPES)):
        execute(connection, statement)


def write_files(site_path: Path, content: SiteContent) -> list[StoredFile]:
    """Write the public and private files of a site."""
    numbers = _numbers(content, "files")
    stored = []
    for copy in range(content.scale):
        for base_name, size_bytes, private in FILES:
            name = f"{copy:04d} {base_name}" if copy else base_name
            data = numbers.randbytes(size_bytes)
            (site_path / ("private" if private else "public") / "files" / name).write_bytes(data)
            thumbnail = "/files/logo_small.png" if name == "logo.png" else None
            content_hash = hashlib.md5(data, usedforsecurity=False).hexdigest()
            stored.append(StoredFile(name, private, size_bytes, content_hash, thumbnail))
    return stored


def insert_rows(connection: Connection[Any], content: SiteContent, files: list[StoredFile]) -> None:
    """Fill the tables of a site."""
    for doctype in DOCTYPES:
        _insert(connection, doctype.table, ["name", *doctype.columns], _rows(doctype, content, files))
    execute(connection, "DO NEXTVAL(`web_form_list_column_id_seq`)")
    settings = {"enable_scheduler": "1", "time_zone": "Asia/Kolkata", "setup_complete": "1", "backup_limit": "3"}
    _insert(
        connection,
        "tabSingles",
        ["doctype", "field", "value"],
        [["System Settings", field, value] for field, value in settings.items()],
    )
    _insert(connection, "tabSeries", ["name", "current"], [["SINV-26-", 400 * content.scale], ["", 7]])
    secret = Fernet(content.encryption_key).encrypt(content.administrator_secret.encode()).decode()
    _insert(
        connection,
        "__Auth",
        ["doctype", "name", "fieldname", "password", "encrypted"],
        [
            ["User", "Administrator", "password", "$pbkdf2-sha256$29000$bGlmZWJvYXQ$bm90YXJlYWxwYXNzd29yZA", 0],
            ["User", "Administrator", "api_secret", secret, 1],
        ],
    )
    _insert(
        connection,
        "__UserSettings",
        ["user", "doctype", "data"],
        [["Administrator", "Sales Invoice", '{"last_view": "List"}'], ["user1@example.com", "ToDo", "{}"]],
    )
    _insert(
        connection,
        "__global_search",
        ["doctype", "name", "title", "content", "route", "published"],
        [["Item", f"ITEM-{number}", f"Item {number}", "searchable überall ||| text", "", 0] for number in range(50)],
    )
    _insert(
        connection,
        "tabSessions",
        ["user", "sid", "sessiondata", "ipaddress", "lastupdate", "status"],
        [["Guest", "Guest", "{}", "127.0.0.1", content.now, "Active"]],
    )


def _numbers(content: SiteContent, subject: str) -> random.Random:
    return random.Random(f"{content.seed}/{content.site}/{subject}")


def _rows(doctype: DocType, content: SiteContent, files: list[StoredFile]) -> list[list[Any]]:
    numbers = _numbers(content, doctype.name)
    special = _special_rows(doctype.name, content, files)
    if special is None:
        count = doctype.rows * content.scale if doctype.rows > GROWING_ROWS else doctype.rows
        special = [_ledger_values(index) if doctype.name == "GL Entry" else {} for index in range(count)]
    return [_row(doctype, content, numbers, values, position) for position, values in enumerate(special)]


def _row(
    doctype: DocType, content: SiteContent, numbers: random.Random, values: dict[str, Any], position: int
) -> list[Any]:
    days = DAYS_OF_LOGS.get(doctype.name, DAYS_OF_HISTORY)
    age = timedelta(seconds=numbers.randrange(days * 86400), microseconds=numbers.randrange(1_000_000))
    written = content.now - age
    known = {
        "name": f"{numbers.getrandbits(40):010x}",
        "creation": written,
        "modified": written,
        "owner": "Administrator",
        "modified_by": f"user{position % 9}@example.com",
        "docstatus": 0,
        "idx": position,
        "_user_tags": None,
        "_comments": None,
        "_assign": None,
        "_liked_by": None,
        **({"status": LOG_STATUS[doctype.name]} if doctype.name in LOG_STATUS else {}),
        **values,
    }
    hostile_text = HOSTILE_TEXTS[position] if content.hostile and position < len(HOSTILE_TEXTS) else None
    return [known["name"]] + [
        known[name] if name in known else _value(name, field_type, numbers, hostile_text, written)
        for name, field_type in doctype.columns.items()
    ]


def _value(name: str, field_type: str, numbers: random.Random, hostile_text: str | None, written: datetime) -> Any:
    if field_type == "Data":
        if name in ENUMERATIONS:
            return numbers.choice(ENUMERATIONS[name])
        return None if numbers.random() < SHARE_OF_NULLS else f"{numbers.choice(WORDS)} {numbers.randrange(500)}"
    if field_type in PLAIN_VALUES:
        return PLAIN_VALUES[field_type](numbers, written)
    if hostile_text is not None:
        return hostile_text
    return " ".join(numbers.choices(WORDS, k=numbers.randrange(5, 40)))


def _ledger_values(index: int) -> dict[str, Any]:
    """Return what makes the books balance: each voucher has two rows, one debits what the other credits."""
    voucher, is_credit = divmod(index, 2)
    amount = {"debit": f"{(voucher * 7919) % 10**7 / 100:.9f}", "credit": "0.000000000"}
    if is_credit:
        amount = {"debit": amount["credit"], "credit": amount["debit"]}
    kind = ENUMERATIONS["voucher_type"][voucher % len(ENUMERATIONS["voucher_type"])]
    return {**amount, "voucher_type": kind, "voucher_no": f"V-{voucher:06d}"}


def _special_rows(doctype: str, content: SiteContent, files: list[StoredFile]) -> list[dict[str, Any]] | None:
    """Return the values that tables need in which the application or a recovery looks something up; else None."""
    applications = {"parent": "Installed Applications", "parenttype": "Installed Applications"}
    defaults = {"parent": "__default", "parenttype": "__default", "parentfield": "system_defaults"}
    default_values = {"installed_apps": json.dumps(list(content.apps)), "time_zone": "Asia/Kolkata", "lang": "en"}
    users = ["Administrator", "Guest", *(f"user{number}@example.com" for number in range(10))]
    special: dict[str, list[dict[str, Any]]] = {
        "DefaultValue": [{**defaults, "defkey": key, "defvalue": value} for key, value in default_values.items()],
        "DocType": [{"name": kind.name, "istable": int(kind.child)} for kind in DOCTYPES],
        "File": [_file_values(values) for values in (*FILE_FOLDERS, *map(_stored_file_values, files))],
        "Installed Application": [
            {**applications, "app_name": app, "app_version": version, "git_branch": f"version-{version.split('.')[0]}"}
            for app, version in content.apps.items()
        ],
        "Scheduled Job Type": [
            {"name": name, "stopped": 0, "frequency": "All", "cron_format": None, "last_execution": content.now}
            for name in ENUMERATIONS["scheduled_job_type"]
        ],
        "User": [
            {"name": name, "email": name, "enabled": 1, "api_key": f"key-{name.partition('@')[0].lower()}"}
            for name in users
        ],
    }
    return special.get(doctype)


def _stored_file_values(stored: StoredFile) -> dict[str, Any]:
    return {
        "file_name": stored.name,
        "file_url": stored.url,
        "file_size": stored.size_bytes,
        "content_hash": stored.content_hash,
        "is_private": int(stored.private),
        "thumbnail_url": stored.thumbnail,
        "folder": "Home/Attachments",
    }


def _file_values(values: dict[str, Any]) -> dict[str, Any]:
    nothing = {"file_url": None, "content_hash": None, "thumbnail_url": None, "folder": None, "file_type": None}
    numbers = {"file_size": 0, "is_private": 0, "is_home_folder": 0, "is_attachments_folder": 0, "is_folder": 0}
    attachment = {"attached_to_name": None, "attached_to_doctype": None, "attached_to_field": None}
    return {**nothing, **numbers, **attachment, **values}


def _insert(connection: Connection[Any], table: str, columns: list[str], rows: list[list[Any]]) -> None:
    places = ", ".join(["%s"] * len(columns))
    statement = f"INSERT INTO `{table}` (`{'`, `'.join(columns)}`) VALUES ({places})"
    with connection.cursor() as cursor:
        for start in range(0, len(rows), ROWS_A_STATEMENT):
            cursor.executemany(statement, rows[start : start + ROWS_A_STATEMENT])
