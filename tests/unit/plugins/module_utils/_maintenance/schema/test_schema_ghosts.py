"""schema.ghosts: what no DocType knows."""

from __future__ import annotations

from ansible_collections.lifeboat.frappe.plugins.module_utils._maintenance.schema.ghosts import find_ghosts

from tests.schema_facts import TODO, column, facts, table

FIELDS = {"ToDo": frozenset({"status"}), "Web Form List-Column": frozenset[str]()}


def test_tables_of_doctypes_and_of_frappe_itself_are_no_ghosts() -> None:
    tables = [table(), table("tabSingles"), table("tabSeries"), table("__Auth")]
    columns = [column(name) for name in ("name", "parent", "idx", "_user_tags", "status")]
    sequences = ("web_form_list_column_id_seq", "other_seq")
    schema = facts(tables, [*columns, column("x", of="__Auth")], sequences=sequences)
    assert find_ghosts(schema, FIELDS, "a.example") == []


def test_table_without_doctype_is_shown_with_what_it_holds() -> None:
    tables = [table("tabFull"), table("backup_of_items", rows=0)]
    full, empty = find_ghosts(facts(tables), FIELDS, "a.example")
    assert full.text == (
        "tabFull (about 1,000 rows, 96.0 KiB) belongs to no DocType; make sure that its DocType was meant to go:"
        " bench --site a.example trim-database --dry-run"
    )
    assert empty.text.startswith("backup_of_items (")
    assert "make sure" not in empty.text


def test_doctype_that_lost_its_fields_is_not_to_be_trimmed() -> None:
    (lost,) = find_ghosts(facts([table()], [column("status")]), {"ToDo": frozenset()}, "a.example")
    assert lost.text.startswith("tabToDo: status belong to no field: do not trim it: its DocType has no field at all")


def test_columns_and_sequences_that_were_left_behind() -> None:
    columns = [column("status"), column("old"), column("older"), column("name")]
    sequence, left = find_ghosts(facts([table()], columns, sequences=("gone_id_seq",)), FIELDS, "a site")
    assert sequence.text == "the sequence gone_id_seq belongs to no DocType: DROP SEQUENCE `gone_id_seq`;"
    assert (left.kind, left.name, left.as_dict()["columns"]) == ("columns", TODO, ["old", "older"])
    assert left.text == (
        "tabToDo: old, older belong to no field: bench --site 'a site' trim-tables --dry-run --format json"
    )
