from __future__ import annotations

import pytest
from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.unit_counts import (
    instance_counts,
    instance_name,
    template_of,
    web_count,
    with_instance_counts,
    with_web_count,
)

# As `bench setup systemd` writes them.
WEB = """\
[Unit]
Description="b-frappe-web"
PartOf=b-web.target

[Service]
Restart=always
ExecStart=/b/env/bin/gunicorn -b 127.0.0.1:8000 -w 2 -t 120 --max-requests 5000 frappe.app:application --preload
WorkingDirectory=/b/sites
"""
TARGET = """\
[Unit]
After=network.target
Wants=b-frappe-default-worker@1.service b-frappe-short-worker@1.service b-frappe-schedule.service

[Install]
WantedBy=multi-user.target
"""
DEFAULT, SHORT = "b-frappe-default-worker@.service", "b-frappe-short-worker@.service"


def test_number_of_web_workers_is_read_and_written_in_its_place() -> None:
    assert web_count(WEB) == 2
    changed = with_web_count(WEB, 12)
    assert changed == WEB.replace("-w 2", "-w 12")
    assert with_web_count(changed, 2) == WEB


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("ExecStart=/b/env/bin/gunicorn \\\n  -b 127.0.0.1:8000 \\\n  --workers=4 app\n", 4),
        ("ExecStart=\nExecStart = /usr/bin/env gunicorn app --workers 3", 3),
        ("ExecStart=/b/env/bin/gunicorn app\nDescription=gunicorn -w 3\n", None),
        ("ExecStart=/usr/bin/node -w 3\n", None),
    ],
    ids=["long line", "override", "elsewhere", "other program"],
)
def test_number_of_web_workers_is_that_of_the_command(text: str, count: int | None) -> None:
    assert web_count(text) == count
    changed = with_web_count(text, 9)
    assert changed == (text if count is None else text.replace(str(count), "9"))


def test_instances_are_counted_and_named_from_one_on() -> None:
    assert instance_counts(TARGET) == {DEFAULT: 1, SHORT: 1}
    changed = with_instance_counts(TARGET, {DEFAULT: 2, SHORT: 3, "b-frappe-other-worker@.service": 4})
    assert changed == TARGET.replace(
        "default-worker@1.service", "default-worker@1.service b-frappe-default-worker@2.service"
    ).replace(
        "short-worker@1.service",
        "short-worker@1.service b-frappe-short-worker@2.service b-frappe-short-worker@3.service",
    )
    assert instance_counts(changed) == {DEFAULT: 2, SHORT: 3}
    assert with_instance_counts(changed, {DEFAULT: 1, SHORT: 1}) == TARGET
    assert instance_counts(with_instance_counts(changed, {SHORT: 1})) == {DEFAULT: 2, SHORT: 1}


def test_instances_of_several_lines_become_one_list() -> None:
    text = "Wants=a@1.service \\\n  a@2.service \\\n  c.service\nRequires=a@3.service x@1.timer\nAfter=a@9.service\n"
    assert instance_counts(text) == {"a@.service": 3}
    once = "Wants=a@1.service \\\n  c.service\nRequires= x@1.timer\nAfter=a@9.service\n"
    assert with_instance_counts(text, {"a@.service": 1}) == once


@pytest.mark.parametrize("named", ["a@2.service", "a@1.service a@3.service"])
def test_instances_with_other_numbers_are_not_bench_s_own(named: str) -> None:
    assert instance_counts(f"Wants={named}\n") == {}


def test_template_of_an_instance_is_known() -> None:
    assert template_of("b-frappe-short-worker@3.service") == (SHORT, 3)
    assert instance_name(SHORT, 3) == "b-frappe-short-worker@3.service"
    assert template_of("b-frappe-web.service") is None
    assert template_of("b@blue.service") is None
