from __future__ import annotations

from ansible_collections.lifeboat.frappe.plugins.module_utils._performance.program_counts import (
    program_counts,
    with_program_counts,
)

TEXT = """\
; numprocs=9 of nobody
[program:b-frappe-web]
command=/b/env/bin/gunicorn -b 127.0.0.1:8000 -w 2 --max-requests 5000 frappe.app:application --preload
stopwaitsecs=40

[program:b-short-worker]
command=bench worker --queue short,default
numprocs=1
process_name=%(program_name)s-%(process_num)d

[program:b-schedule]
command=bench schedule

[group:b-workers]
programs=b-short-worker
"""


def test_numbers_are_read_and_written_in_their_places() -> None:
    assert program_counts(TEXT) == {"b-frappe-web": 2, "b-short-worker": 1}
    changed = with_program_counts(TEXT, {"b-frappe-web": 5, "b-short-worker": 3, "b-schedule": 7})
    assert program_counts(changed) == {"b-frappe-web": 5, "b-short-worker": 3}
    assert changed == TEXT.replace("-w 2", "-w 5").replace("numprocs=1", "numprocs=3")
    assert with_program_counts(changed, {"b-frappe-web": 2, "b-short-worker": 1}) == TEXT


def test_long_option_is_known_as_well() -> None:
    text = "[program:web]\ncommand = gunicorn --workers=4 app\n"
    assert program_counts(text) == {"web": 4}
    assert with_program_counts(text, {"web": 12}) == "[program:web]\ncommand = gunicorn --workers=12 app\n"
