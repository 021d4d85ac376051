# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The findings as SARIF 2.1.0, as code scanning and dashboards of security read it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any
from urllib.parse import quote

from ..comparison import BETTER, NEW, SAME, WORSE
from ..hosts import BREACHES, UNKNOWN, finding_key
from .json_text import json_list

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"critical": "error", "warning": "warning"}
STATES = {NEW: "new", SAME: "unchanged", WORSE: "updated", BETTER: "updated"}
# Severity as GitHub's code scanning sorts by it (its documentation of "security-severity").
SECURITY_SEVERITIES = {"critical": "9.5", "high": "8.0", "medium": "5.0", "low": "2.0", "info": "0.0"}


def sarif(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the breaches, what is unknown, and what was fixed (``absent``), as SARIF."""
    rules = [_rule(check) for check in document["checks"].values()]
    missing = sorted({one["id"] for one in document["fixed"]} - set(document["checks"]))
    rules += [{"id": check_id} for check_id in missing]
    indexes = {rule["id"]: index for index, rule in enumerate(rules)}
    driver = {
        "name": "lifeboat.frappe.audit",
        "semanticVersion": document["collection_version"],
        "rules": rules,
    }
    invocation = {
        "executionSuccessful": document["summary"]["hosts"]["answered"] == document["summary"]["hosts"]["total"],
        "endTimeUtc": document["generated_at"],
        "toolExecutionNotifications": [
            {
                "level": "error",
                "message": {"text": f"{host['name']} is not in the results ({host['state']}): {host['reason']}"},
            }
            for host in document["hosts"]
            if host["reason"]
        ],
    }
    yield f'{{"$schema": {json.dumps(SCHEMA)}, "version": "2.1.0", "runs": [{{"tool": {{"driver": '
    yield f"{json.dumps(driver, ensure_ascii=False)}}},\n"
    yield f'"invocations": [{json.dumps(invocation, ensure_ascii=False)}],\n"results": '
    seen = (_result(one, indexes) for one in document["findings"] if one["severity"] in (*BREACHES, UNKNOWN))
    gone = (_absent(one, indexes) for one in document["fixed"])
    yield from json_list(chain(seen, gone))
    yield "}]}\n"


def fingerprint(finding: Mapping[str, Any]) -> str:
    """Return what names the same finding in every audit, whatever its text says."""
    return hashlib.sha256(json.dumps(finding_key(finding)).encode()).hexdigest()


def _rule(check: Mapping[str, Any]) -> dict[str, Any]:
    mended_by = f" Mended by: ansible-playbook {check['playbook']}" if check["playbook"] else ""
    return {
        "id": check["id"],
        "name": check["name"],
        "shortDescription": {"text": check["title"]},
        "help": {"text": f"{check['remediation']}{mended_by}"},
        "properties": {
            "tags": [check["subject"]],
            "security-severity": SECURITY_SEVERITIES.get(check["impact"], "0.0"),
        },
    }


def _result(finding: Mapping[str, Any], indexes: Mapping[str, int]) -> dict[str, Any]:
    is_breach = finding["severity"] in BREACHES
    result = {
        **_base(finding, indexes),
        "kind": "fail" if is_breach else "open",
        "level": LEVELS.get(finding["severity"], "none"),
    }
    if finding["change"]:
        result["baselineState"] = STATES[finding["change"]]
    if finding["accepted"]:
        accepted = finding["accepted"]
        justification = f"{accepted['reason']} ({accepted['owner']}, until {accepted['expires']})"
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": justification}]
    return result


def _absent(finding: Mapping[str, Any], indexes: Mapping[str, int]) -> dict[str, Any]:
    return {
        **_base(finding, indexes),
        "kind": "fail",
        "level": LEVELS[finding["severity"]],
        "baselineState": "absent",
    }


def _base(finding: Mapping[str, Any], indexes: Mapping[str, int]) -> dict[str, Any]:
    parts = [part for part in (finding["host"], finding["target"], finding["item"]) if part]
    return {
        "ruleId": finding["id"],
        "ruleIndex": indexes[finding["id"]],
        "message": {"text": finding["text"] or finding["id"]},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": "/".join(quote(part, safe="") for part in parts)}},
                "logicalLocations": [{"fullyQualifiedName": "/".join(parts), "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"lifeboatFinding/v1": fingerprint(finding)},
    }
