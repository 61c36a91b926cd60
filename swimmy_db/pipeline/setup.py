"""Which survey a workspace holds, and its settings as tables."""

from datetime import UTC, datetime

import pyarrow as pa

from swimmy_db.catalog import Publication, append_journal, create_schemas, last_runs, open_catalog, publish
from swimmy_db.config import Settings, setting_rows
from swimmy_db.contracts import contracts_of
from swimmy_db.errors import SwimmyError
from swimmy_db.pipeline.stage import Provenance, code_version, digest, record_stage
from swimmy_db.sources.filter_curves import read_filter_curves
from swimmy_db.workspace import Workspace, default_settings

STAGE = "settings"


def claim_workspace(publication: Publication, settings: Settings, simulated: bool) -> None:
    """A new database gets its tables; one that holds another survey is refused."""
    fresh = not publication.connection.execute(
        "select count(*) from information_schema.tables where table_schema = 'meta' and table_name = 'workspace'"
    ).fetchone()[0]
    if fresh:
        create_schemas(publication)
        created = datetime.now(UTC).replace(tzinfo=None)
        row = {"survey": settings.survey, "release": settings.release, "is_simulated": simulated, "created": created}
        rows = pa.Table.from_pylist([row], schema=publication.contract("meta.workspace").arrow_schema())
        append_journal(publication, "workspace", rows)
        publication.load_arrow("meta.workspace", rows)
        return
    held = publication.connection.execute("select survey, release, is_simulated from meta.workspace").fetchone()
    if held != (settings.survey, settings.release, simulated):
        raise SwimmyError(
            f"{publication.workspace.folder} holds {_described(*held)}; a second survey "
            f"({_described(settings.survey, settings.release, simulated)}) needs a workspace of its own "
            "(--workspace FOLDER); in SQL, ATTACH compares them"
        )
    create_schemas(publication)


def _described(survey: str, release: str, simulated: bool) -> str:
    return f"the {'simulated' if simulated else 'real'} survey {survey} {release}"


def load_settings(publication: Publication, settings: Settings, defaults: Settings) -> None:
    """Make meta.settings, survey.bands, survey.instrument and raw.filter_curves of the settings in force."""
    publication.load_rows("meta.settings", setting_rows(settings, defaults))
    publication.load_rows(
        "survey.bands", [{"position": place, **band.model_dump()} for place, band in enumerate(settings.bands)]
    )
    publication.load_rows("survey.instrument", [settings.instrument.model_dump()])
    publication.load_arrow("raw.filter_curves", read_filter_curves(settings.bands))


def settings_provenance(settings: Settings) -> Provenance:
    code = code_version(("swimmy_db.config", "swimmy_db.sources.filter_curves"))
    return Provenance(digest(settings.model_dump()), "", code, {})


def publish_settings(publication: Publication, settings: Settings, defaults: Settings) -> None:
    started = datetime.now(UTC)
    publication.stage = STAGE
    publication.made = []
    load_settings(publication, settings, defaults)
    record_stage(publication, settings_provenance(settings), started, 0.0)


def refresh_settings(workspace: Workspace) -> bool:
    """Bring the tables of settings up to settings.toml; returns whether anything had changed."""
    settings = workspace.settings()
    with open_catalog(workspace) as catalog:
        last = last_runs(catalog).get(STAGE)
        simulated = bool(catalog.value("select is_simulated from meta.workspace"))
        complete = all(catalog.has(table) for table in contracts_of("raw"))
    if complete and last is not None and last["fingerprint"] == settings_provenance(settings).fingerprint:
        return False
    with publish(workspace, STAGE) as publication:
        publication.bands = settings.band_names
        claim_workspace(publication, settings, simulated)
        publish_settings(publication, settings, default_settings(settings))
    return True
