"""`swimmy settings`: list them, change them in settings.toml, print them as SQL."""

import contextlib
import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import tomlkit

from swimmy_db import sql_models
from swimmy_db.config import Settings, scalar_fields, setting_rows
from swimmy_db.errors import InputRefused, UsageError
from swimmy_db.workspace import Workspace, default_settings, resolve

NOT_APPLIED = "not_applied"
PRESET = "preset"


def list_settings(workspace: Workspace) -> list[dict[str, Any]]:
    """All settings in force, as settings.toml has them now: the rows of meta.settings, with `changed`.

    `changed` compares with the paper's value. Raises NotReady where there is no survey.
    """
    workspace.require_survey()
    settings = workspace.settings()
    defaults = default_settings(settings)
    rows = setting_rows(settings, defaults)
    return [{**row, "changed": getattr(settings, row["name"]) != getattr(defaults, row["name"])} for row in rows]


def parse_assignments(assignments: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE by name. Raises UsageError for what is no assignment or no setting, naming the nearest."""
    known = [*scalar_fields(), PRESET]
    parsed = {}
    for assignment in assignments:
        name, sign, value = assignment.partition("=")
        name = name.strip()
        if name not in known:
            near = get_close_matches(name, known, n=3, cutoff=0.5)
            hint = f"near it: {', '.join(near)}" if near else "`swimmy settings` lists all"
            tables = "; bands and instrument are tables: edit them in settings.toml"
            raise UsageError(f"no setting named {name!r}; {hint}{tables if name.startswith(('band', 'instr')) else ''}")
        if not sign:
            raise UsageError(f"{assignment!r}: expected NAME=VALUE, as in {name}=...; NAME=none switches a cut off")
        parsed[name] = value.strip()
    return parsed


def change_settings(workspace: Workspace, changes: Mapping[str, str]) -> Settings:
    """Write changes into settings.toml, keeping its comments, if together they make valid settings.

    A value is read as TOML where it is TOML of the right type, else as text; `none` empties a setting (its cut is not
    applied). Raises InputRefused, and changes nothing, where the settings would not be valid.
    """
    workspace.require_survey()
    values = workspace.setting_values()
    document = tomlkit.parse(workspace.settings_file.read_text(encoding="utf-8"))
    empty = list(values.get(NOT_APPLIED, []))
    for name, text in changes.items():
        if text.lower() == "none":
            document.pop(name, None)
            values.pop(name, None)
            empty += [] if name in empty else [name]
        else:
            empty = [other for other in empty if other != name]
            values[name] = document[name] = _read_value({**values, NOT_APPLIED: empty}, name, text)
    if empty or NOT_APPLIED in document:
        document[NOT_APPLIED] = values[NOT_APPLIED] = empty
    settings = resolve(values, str(workspace.settings_file))
    _replace_text(workspace, tomlkit.dumps(document))
    return settings


def settings_sql(workspace: Workspace) -> str:
    """SQL that gives a bare DuckDB shell these settings: meta.settings and the macros that read it."""
    rows = list_settings(workspace)
    lines = [
        "-- settings of swimmy_db as SQL; `swimmy settings --sql` printed them",
        "create schema if not exists meta;",
        "create or replace table meta.settings (name varchar, value double, text varchar, unit varchar, "
        "section varchar, default_value varchar, description varchar);",
    ]
    columns = ("name", "value", "text", "unit", "section", "default_value", "description")
    for row in rows:
        literals = ", ".join(_literal(row[name]) for name in columns)
        lines.append(f"insert into meta.settings values ({literals});")
    lines += [macro.text.strip() for macro in sql_models.load_macros() if "setting" in macro.names]
    return "\n".join(lines)


def _read_value(values: dict[str, Any], name: str, text: str) -> Any:
    """The text as TOML where that is valid for the setting, else as a string. Raises InputRefused if neither is."""
    candidates: list[Any] = [text]
    with contextlib.suppress(tomlkit.exceptions.TOMLKitError, ValueError):
        candidates.insert(0, tomlkit.value(text).unwrap())
    refusal: InputRefused | None = None
    for candidate in candidates:
        try:
            resolve({**values, name: candidate}, f"{name}={text}")
        except InputRefused as fault:
            refusal = refusal or fault
        else:
            return candidate
    raise refusal


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, float):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"


def _replace_text(workspace: Workspace, text: str) -> None:
    temporary = workspace.settings_file.with_suffix(".toml.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, workspace.settings_file)
