"""The web application: what a load balancer, a user and a monitoring system see of a site."""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from http import HTTPStatus
from typing import Any, Callable
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pymysql
from cryptography.fernet import Fernet

from .site import SiteNotFoundError, configuration, connect, remember, sites_path

API = "/api/"
Answer = tuple[HTTPStatus, str, bytes]


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Answer one request (WSGI)."""
    try:
        status, content_type, body = _answer(environ)
    except SiteNotFoundError as error:
        status, content_type, body = _page(HTTPStatus.NOT_FOUND, f"{error} does not exist")
    except (pymysql.MySQLError, OSError, ValueError, KeyError) as error:
        status, content_type, body = _failure(environ, HTTPStatus.INTERNAL_SERVER_ERROR, type(error).__name__)
    headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    start_response(f"{status.value} {status.phrase}", headers)
    return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]


def _answer(environ: dict[str, Any]) -> Answer:
    site = environ.get("HTTP_X_FRAPPE_SITE_NAME") or environ.get("HTTP_HOST", "").partition(":")[0]
    settings = configuration(site, cached=True)
    path = environ["PATH_INFO"]
    if not (sites_path() / site / "logs").is_dir():
        raise FileNotFoundError("logs")  # Frappe cannot open its log and drops the request
    if settings.get("maintenance_mode"):
        return _failure(environ, HTTPStatus.SERVICE_UNAVAILABLE, "SessionStopped")
    if environ["REQUEST_METHOD"] == "HEAD" and path.startswith(API):
        return _failure(environ, HTTPStatus.FORBIDDEN, "PermissionError")
    handler = HANDLERS.get(path)
    if handler is None:
        return _failure(environ, HTTPStatus.NOT_FOUND, "DoesNotExistError")
    connection = connect(settings)
    try:
        return handler(connection, settings, environ)
    finally:
        connection.close()


def _ping(_connection: Any, _settings: dict[str, Any], _environ: dict[str, Any]) -> Answer:
    return _message("pong")


def _login(connection: Any, settings: dict[str, Any], _environ: dict[str, Any]) -> Answer:
    language = _rows(connection, "SELECT defvalue FROM tabDefaultValue WHERE parent = '__default' AND defkey = 'lang'")
    _rows(connection, "SELECT value FROM tabSingles WHERE doctype = 'System Settings'")
    _rows(connection, "SELECT name FROM tabUser WHERE name = 'Guest' AND enabled = 1")
    remember(settings, "defaults", language)
    return _page(HTTPStatus.OK, "Login")


def _count(connection: Any, settings: dict[str, Any], environ: dict[str, Any]) -> Answer:
    doctype = _parameters(environ).get("doctype", "")
    if not _rows(connection, "SELECT name FROM tabDocType WHERE name = %s", doctype):
        return _failure(environ, HTTPStatus.NOT_FOUND, "DoesNotExistError")
    user = _user(connection, settings, environ)
    if user is None:
        return _failure(environ, HTTPStatus.UNAUTHORIZED, "AuthenticationError")
    permissions = _rows(connection, "SELECT role FROM tabDocPerm WHERE parent = %s", doctype)
    remember(settings, f"doctype_meta::{doctype}", permissions)
    if user == "Guest":
        return _failure(environ, HTTPStatus.FORBIDDEN, "PermissionError")
    return _message(_rows(connection, f"SELECT COUNT(*) FROM `tab{doctype}`")[0][0])


def _write(connection: Any, _settings: dict[str, Any], environ: dict[str, Any]) -> Answer:
    if environ["REQUEST_METHOD"] != "POST":
        return _failure(environ, HTTPStatus.FORBIDDEN, "PermissionError")
    name = secrets.token_hex(5)
    now = datetime.now(ZoneInfo("Asia/Kolkata")).replace(tzinfo=None)
    text = _parameters(environ).get("description", "")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tabToDo (name, creation, modified, owner, modified_by, status, description) "
            "VALUES (%s, %s, %s, 'Guest', 'Guest', 'Open', %s)",
            (name, now, now, text),
        )
    connection.commit()
    return _message(name)


def _read(connection: Any, _settings: dict[str, Any], environ: dict[str, Any]) -> Answer:
    name = _parameters(environ).get("name", "")
    rows = _rows(connection, "SELECT description FROM tabToDo WHERE name = %s", name)
    if not rows:
        return _failure(environ, HTTPStatus.NOT_FOUND, "DoesNotExistError")
    return _message(rows[0][0])


HANDLERS: dict[str, Callable[[Any, dict[str, Any], dict[str, Any]], Answer]] = {
    "/api/method/frappe.client.get_count": _count,
    "/api/method/lab.read": _read,
    "/api/method/lab.write": _write,
    "/api/method/ping": _ping,
    "/login": _login,
}


def _user(connection: Any, settings: dict[str, Any], environ: dict[str, Any]) -> str | None:
    """Return who asks by the token in the request; None when the token is wrong."""
    scheme, _space, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "token":
        return "Guest"
    key, _colon, secret = token.partition(":")
    stored = _rows(
        connection,
        "SELECT tabUser.name, __Auth.password FROM tabUser JOIN __Auth ON __Auth.name = tabUser.name "
        "WHERE tabUser.api_key = %s AND __Auth.doctype = 'User' AND __Auth.fieldname = 'api_secret'",
        key,
    )
    for name, encrypted in stored:
        if secrets.compare_digest(Fernet(settings["encryption_key"]).decrypt(encrypted.encode()), secret.encode()):
            return str(name)
    return None


def _rows(connection: Any, statement: str, *arguments: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments or None)
        return list(cursor.fetchall())


def _parameters(environ: dict[str, Any]) -> dict[str, str]:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    text = environ["wsgi.input"].read(length).decode() if length else ""
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    return {name: values[-1] for name, values in {**query, **parse_qs(text, keep_blank_values=True)}.items()}


def _message(value: Any) -> Answer:
    return HTTPStatus.OK, "application/json", json.dumps({"message": value}).encode()


def _page(status: HTTPStatus, text: str) -> Answer:
    return status, "text/html; charset=utf-8", f"<!doctype html><title>{text}</title><h1>{text}</h1>".encode()


def _failure(environ: dict[str, Any], status: HTTPStatus, kind: str) -> Answer:
    if not environ["PATH_INFO"].startswith(API):
        return _page(status, kind)
    return status, "application/json", json.dumps({"exception": f"frappe.exceptions.{kind}", "exc_type": kind}).encode()
