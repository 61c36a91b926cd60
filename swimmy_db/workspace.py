"""Where everything of one survey lies: paths of a workspace, and its settings.toml."""

import os
from pathlib import Path
from typing import Any

import tomlkit

from swimmy_db.config import Settings, make_settings, preset_values
from swimmy_db.errors import InputRefused, NotReady

ENVIRONMENT_VARIABLE = "SWIMMY_WORKSPACE"
DEFAULT_FOLDER = "workspace"


class Workspace:
    """One survey, one release, in one folder (DESIGN: `swimmy.duckdb` and what it is made from)."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).expanduser().absolute()
        self.database = self.folder / "swimmy.duckdb"
        self.settings_file = self.folder / "settings.toml"
        self.downloads = self.folder / "downloads"
        self.stamps = self.folder / "stamps"
        self.cubes = self.folder / "cubes"
        self.checkpoints = self.folder / "checkpoints"
        self.scores = self.folder / "scores"
        self.journal = self.folder / "journal"
        self.report = self.folder / "report"

    @classmethod
    def locate(cls, option: str | Path | None = None) -> "Workspace":
        """The workspace named by the option, else by $SWIMMY_WORKSPACE, else ./workspace."""
        return cls(option or os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT_FOLDER)

    def __repr__(self) -> str:
        return f"Workspace({str(self.folder)!r})"

    def relative(self, path: Path) -> str:
        """The path as tables name it: relative to the workspace, with forward slashes."""
        return path.relative_to(self.folder).as_posix()

    def require_survey(self) -> None:
        """Raises NotReady, naming the command that comes first, where nothing has been ingested yet."""
        if not self.database.exists() or not self.settings_file.exists():
            raise NotReady(
                f"{self.folder} holds no survey yet. First `swimmy ingest demo` (the embedded survey), "
                "`swimmy ingest hsc mpa-jhu ...` (over the network, or --from FOLDER) or `swimmy ingest files --survey "
                "survey.toml`; "
                "another workspace is named by --workspace or $SWIMMY_WORKSPACE."
            )

    def setting_values(self) -> dict[str, Any]:
        """What settings.toml says: `preset` and the changes to it. Raises InputRefused for a broken file."""
        try:
            return tomlkit.parse(self.settings_file.read_text(encoding="utf-8")).unwrap()
        except FileNotFoundError:
            self.require_survey()
            raise
        except tomlkit.exceptions.TOMLKitError as fault:
            raise InputRefused(f"{self.settings_file}: not TOML: {fault}") from None

    def settings(self) -> Settings:
        """The settings in force: the preset that settings.toml names, with its changes."""
        values = self.setting_values()
        return resolve(values, str(self.settings_file))


def default_settings(settings: Settings) -> Settings:
    """The paper's settings for the same survey and bands: what a changed value is compared with."""
    kept = {name: getattr(settings, name) for name in ("survey", "release", "bands", "instrument")}
    return make_settings({**preset_values("paper"), **kept}, "preset paper")


def resolve(values: dict[str, Any], source: str) -> Settings:
    """Settings from `preset` plus changes; `not_applied` lists settings to empty (TOML has no null)."""
    changes = dict(values)
    preset = changes.pop("preset", "paper")
    empty = dict.fromkeys(changes.pop("not_applied", ()))
    return make_settings({**preset_values(preset), **changes, **empty}, source)


def settings_document(values: dict[str, Any]) -> str:
    """The text of a settings.toml."""
    document = tomlkit.document()
    document.add(tomlkit.comment("What differs from the preset. `swimmy settings` lists all; edit here or with"))
    document.add(tomlkit.comment("`swimmy settings NAME=VALUE`, then run `swimmy pipeline` again."))
    for name, value in values.items():
        document.add(name, tomlkit.item(value))
    return tomlkit.dumps(document)
