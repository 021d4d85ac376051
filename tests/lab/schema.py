"""Tables with the names and columns that Frappe and ERPNext give them."""

from __future__ import annotations

from dataclasses import dataclass

# Frappe's field types and the columns that it makes of them.
COLUMN_TYPES = {
    "Data": "varchar(140) DEFAULT NULL",
    "Text": "text DEFAULT NULL",
    "Long Text": "longtext DEFAULT NULL",
    "Check": "int(1) NOT NULL DEFAULT 0",
    "Int": "int(11) NOT NULL DEFAULT 0",
    "Long Int": "bigint(20) NOT NULL DEFAULT 0",
    "Currency": "decimal(21,9) NOT NULL DEFAULT 0.000000000",
    "Date": "date DEFAULT NULL",
    "Datetime": "datetime(6) DEFAULT NULL",
}
STANDARD_COLUMNS = {
    "creation": "Datetime",
    "modified": "Datetime",
    "modified_by": "Data",
    "owner": "Data",
    "docstatus": "Check",
    "idx": "Int",
}
CHILD_COLUMNS = {"parent": "Data", "parentfield": "Data", "parenttype": "Data"}
OPTIONAL_COLUMNS = {"_user_tags": "Text", "_comments": "Text", "_assign": "Text", "_liked_by": "Text"}
TABLE_OPTIONS = "DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci ROW_FORMAT=DYNAMIC"


@dataclass(frozen=True)
class DocType:
    """One kind of document.

    Attributes:
        name: Its name; the table is ``tab<name>``.
        fields: Frappe's field type of each column beyond those that every document has.
        rows: How many rows a small site has; DocTypes with more than 100 grow with the scale of the lab.
        indexes: Columns of each secondary key, separated by commas.
        child: Whether its rows belong to a row of another DocType.
        engine: The storage engine.
    """

    name: str
    fields: dict[str, str]
    rows: int
    indexes: tuple[str, ...] = ()
    child: bool = False
    engine: str = "InnoDB"

    @property
    def table(self) -> str:
        """The name of its table."""
        return f"tab{self.name}"

    @property
    def columns(self) -> dict[str, str]:
        """The field type of each column but ``name``, in the order of the table."""
        last = CHILD_COLUMNS if self.child else OPTIONAL_COLUMNS
        return {**STANDARD_COLUMNS, **self.fields, **last}

    def create_statement(self) -> str:
        """Return the statement that creates its table."""
        lines = ["`name` varchar(140) NOT NULL"]
        lines += [f"`{name}` {COLUMN_TYPES[field_type]}" for name, field_type in self.columns.items()]
        lines.append("PRIMARY KEY (`name`)")
        for index in ("parent" if self.child else "modified", *self.indexes):
            names = index.split(",")
            lines.append(f"KEY `{'_'.join(names)}{'_index' if len(names) > 1 else ''}` (`{'`,`'.join(names)}`)")
        return f"CREATE TABLE `{self.table}` ({', '.join(lines)}) ENGINE={self.engine} {TABLE_OPTIONS}"


def _fields(**types: str) -> dict[str, str]:
    """Turn ``Data="a b", Text="c"`` (with ``_`` for a space in the type) into the type of each field."""
    return {name: field_type.replace("_", " ") for field_type, names in types.items() for name in names.split()}


REFERENCE = "reference_doctype,reference_name"

DOCTYPES = (
    DocType(
        "Activity Log",
        _fields(
            Text="subject",
            Long_Text="content",
            Datetime="communication_date",
            Data="ip_address operation status reference_doctype reference_name user full_name",
        ),
        300,
        (REFERENCE,),
    ),
    DocType("Access Log", _fields(Data="export_from user file_type reference_document", Text="filters"), 40),
    DocType("Address", _fields(Data="address_title address_type city country pincode", Text="address_line1"), 60),
    DocType(
        "Comment",
        _fields(
            Data="comment_type comment_email comment_by reference_doctype reference_name",
            Long_Text="content",
            Check="published seen",
        ),
        200,
        (REFERENCE,),
    ),
    DocType(
        "Communication",
        _fields(
            Text="subject",
            Data="communication_medium sender status sent_or_received reference_doctype reference_name",
            Long_Text="recipients content text_content",
            Datetime="communication_date",
        ),
        300,
        (REFERENCE, "communication_date", "status,sent_or_received"),
    ),
    DocType("Contact", _fields(Data="first_name last_name email_id phone status"), 80, ("email_id",)),
    DocType("Country", _fields(Data="code date_format time_format", Text="time_zones"), 50),
    DocType("Currency", _fields(Data="currency_name symbol number_format", Check="enabled", Int="fraction_units"), 30),
    DocType("Customer", _fields(Data="customer_name customer_group territory tax_id", Check="disabled"), 120),
    DocType(
        "Data Import Log", _fields(Data="data_import docname", Check="success", Text="messages"), 0, engine="MyISAM"
    ),
    DocType(
        "DefaultValue", _fields(Data="defkey", Text="defvalue"), 40, ("parent,defkey", "parent,parenttype"), child=True
    ),
    DocType(
        "Deleted Document",
        _fields(Data="deleted_name deleted_doctype new_name", Check="restored", Long_Text="data"),
        25,
    ),
    DocType(
        "DocField",
        _fields(
            Data="fieldname label fieldtype oldfieldname", Text="options", Check="reqd hidden read_only in_list_view"
        ),
        600,
        ("label", "fieldtype", "fieldname"),
        child=True,
    ),
    DocType(
        "DocPerm",
        _fields(Data="role", Int="permlevel", Check="read write create submit cancel"),
        150,
        child=True,
    ),
    DocType(
        "DocType",
        _fields(Data="module autoname sort_field sort_order", Check="issingle istable custom"),
        0,
        ("module",),
    ),
    DocType("Email Account", _fields(Data="email_id smtp_server", Check="enable_outgoing default_outgoing"), 2),
    DocType(
        "Email Queue",
        _fields(
            Data="sender status message_id reference_doctype reference_name email_account",
            Long_Text="message error",
            Int="priority retry",
            Datetime="send_after",
        ),
        150,
        ("message_id", "status,send_after,priority"),
    ),
    DocType(
        "Error Log",
        _fields(Check="seen", Data="reference_doctype reference_name method trace_id", Long_Text="error"),
        110,
        ("reference_doctype",),
        engine="MyISAM",
    ),
    DocType(
        "File",
        _fields(
            Data="file_name attached_to_name attached_to_doctype file_type folder attached_to_field content_hash",
            Long_Text="file_url",
            Long_Int="file_size",
            Check="is_private is_home_folder is_attachments_folder is_folder",
            Text="thumbnail_url",
        ),
        0,
        ("attached_to_doctype,attached_to_name", "file_name"),
    ),
    DocType(
        "GL Entry",
        _fields(
            Date="posting_date",
            Data="account party_type party cost_center against_voucher voucher_type voucher_no fiscal_year company",
            Currency="debit credit debit_in_account_currency credit_in_account_currency",
            Text="remarks",
            Check="is_cancelled is_opening",
        ),
        2000,
        ("posting_date", "account", "party", "voucher_no", "voucher_type,voucher_no", "company,posting_date"),
    ),
    DocType("Has Role", _fields(Data="role"), 60, child=True),
    DocType("Installed Application", _fields(Data="app_name app_version git_branch"), 0, child=True),
    DocType(
        "Item", _fields(Data="item_code item_name item_group stock_uom", Long_Text="description", Check="disabled"), 150
    ),
    DocType("Language", _fields(Data="language_code language_name flag", Check="enabled"), 40),
    DocType("Module Def", _fields(Data="module_name app_name"), 25),
    DocType("Note", _fields(Data="title", Check="public", Long_Text="content"), 60),
    DocType("Patch Log", _fields(Long_Text="patch traceback", Check="skipped"), 240),
    DocType(
        "Payment Entry", _fields(Data="payment_type party party_name", Date="posting_date", Currency="paid_amount"), 200
    ),
    DocType("Role", _fields(Data="role_name", Check="disabled desk_access"), 25),
    DocType(
        "Sales Invoice",
        _fields(
            Data="title naming_series customer customer_name company currency status po_no",
            Date="posting_date due_date",
            Currency="net_total grand_total outstanding_amount conversion_rate",
            Long_Text="terms",
        ),
        400,
        ("posting_date", "customer", "due_date", "status", "customer,posting_date"),
    ),
    DocType(
        "Sales Invoice Item",
        _fields(Data="item_code item_name uom warehouse sales_order", Currency="qty rate amount", Text="description"),
        1200,
        ("item_code", "sales_order", "warehouse"),
        child=True,
    ),
    DocType(
        "Scheduled Job Log",
        _fields(Data="status scheduled_job_type", Long_Text="details debug_log"),
        120,
        ("scheduled_job_type",),
    ),
    DocType(
        "Scheduled Job Type",
        _fields(
            Data="method frequency cron_format server_script", Check="stopped create_log", Datetime="last_execution"
        ),
        0,
    ),
    DocType(
        "Stock Ledger Entry",
        _fields(
            Data="item_code warehouse voucher_type voucher_no company stock_uom",
            Date="posting_date",
            Datetime="posting_datetime",
            Currency="actual_qty qty_after_transaction valuation_rate stock_value",
            Check="is_cancelled",
        ),
        1500,
        ("item_code", "warehouse", "posting_date", "voucher_no,voucher_type", "item_code,warehouse,posting_datetime"),
    ),
    DocType("Task", _fields(Data="subject project status priority", Date="exp_end_date", Long_Text="description"), 100),
    DocType(
        "ToDo",
        _fields(
            Data="status priority allocated_to reference_type reference_name assigned_by sender",
            Date="date",
            Long_Text="description",
        ),
        300,
        ("reference_type,reference_name",),
    ),
    DocType(
        "User",
        _fields(
            Check="enabled",
            Data="email first_name last_name full_name username language time_zone user_type last_login api_key",
            Text="api_secret",
            Datetime="last_active",
        ),
        0,
        ("email",),
    ),
    DocType("Version", _fields(Data="ref_doctype docname", Long_Text="data"), 300, ("ref_doctype,docname",)),
    DocType("View Log", _fields(Data="viewed_by reference_doctype reference_name"), 80),
    DocType("Web Page", _fields(Data="title route", Check="published", Long_Text="main_section"), 10),
    DocType("Workspace", _fields(Data="title module icon", Check="public", Long_Text="content"), 12),
)

SEQUENCE_STATEMENT = (
    "CREATE SEQUENCE `web_form_list_column_id_seq` START WITH 1 MINVALUE 1 INCREMENT BY 1 NOCACHE NOCYCLE ENGINE=InnoDB"
)

# Tables that are no DocType.
OTHER_STATEMENTS = (
    "CREATE TABLE `__Auth` (`doctype` varchar(140) NOT NULL, `name` varchar(255) NOT NULL, "
    "`fieldname` varchar(140) NOT NULL, `password` text NOT NULL, `encrypted` int(1) NOT NULL DEFAULT 0, "
    f"PRIMARY KEY (`doctype`,`name`,`fieldname`)) ENGINE=InnoDB {TABLE_OPTIONS}",
    "CREATE TABLE `__UserSettings` (`user` varchar(180) NOT NULL, `doctype` varchar(180) NOT NULL, "
    "`data` text DEFAULT NULL, UNIQUE KEY `user` (`user`,`doctype`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb3",
    "CREATE TABLE `__global_search` (`doctype` varchar(100) DEFAULT NULL, `name` varchar(140) DEFAULT NULL, "
    "`title` varchar(140) DEFAULT NULL, `content` text DEFAULT NULL, `route` varchar(140) DEFAULT NULL, "
    "`published` int(1) NOT NULL DEFAULT 0, UNIQUE KEY `doctype_name` (`doctype`,`name`), "
    "FULLTEXT KEY `content` (`content`)) ENGINE=MyISAM DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci",
    "CREATE TABLE `tabSeries` (`name` varchar(100) NOT NULL, `current` int(10) NOT NULL DEFAULT 0, "
    f"PRIMARY KEY (`name`)) ENGINE=InnoDB {TABLE_OPTIONS}",
    "CREATE TABLE `tabSessions` (`user` varchar(255) DEFAULT NULL, `sid` varchar(255) DEFAULT NULL, "
    "`sessiondata` longtext DEFAULT NULL, `ipaddress` varchar(16) DEFAULT NULL, `lastupdate` datetime(6) DEFAULT NULL, "
    f"`status` varchar(20) DEFAULT NULL, KEY `sid` (`sid`)) ENGINE=InnoDB {TABLE_OPTIONS}",
    "CREATE TABLE `tabSingles` (`doctype` varchar(255) DEFAULT NULL, `field` varchar(255) DEFAULT NULL, "
    "`value` longtext DEFAULT NULL, KEY `singles_doctype_field_index` (`doctype`,`field`)) "
    f"ENGINE=InnoDB {TABLE_OPTIONS}",
)
