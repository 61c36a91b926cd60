"""A survey in memory: every raw table empty as its contract says, settings, bands; tests put their own rows in."""

from collections import Counter
from collections.abc import Callable, Mapping
from itertools import chain, groupby
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from swimmy_db.config import Settings, load_preset, setting_rows
from swimmy_db.contracts import contracts_of, load_contract
from swimmy_db.sql_models import create_macros, load_models, run_model

SQL_TYPES = {
    "bool": "boolean",
    "int16": "smallint",
    "int32": "integer",
    "int64": "bigint",
    "uint64": "ubigint",
    "float32": "float",
    "float64": "double",
    "string": "varchar",
    "timestamp[us]": "timestamp",
    "list<float32>": "float[]",
    "list<float64>": "double[]",
}


BANDS = ("g", "r", "i", "z", "y")
FLAGS = (
    "pixelflags_edge",
    "pixelflags_interpolatedcenter",
    "pixelflags_saturatedcenter",
    "pixelflags_crcenter",
    "pixelflags_bad",
    "pixelflags_bright_objectcenter",
    "sdssshape_flag",
)
MASKS = ("mask_brightstar_halo", "mask_brightstar_ghost", "mask_brightstar_blooming")
DEPTHS = {"g": 26.5, "r": 26.1, "i": 25.9, "z": 25.1, "y": 24.3}
SKYMAP_ID = 82790008


def hsc_object(object_id: int, **changes: Any) -> dict[str, Any]:
    row = {"object_id": object_id, "ra": 30.5, "dec": -6.0, "tract": 8279, "patch": 8, "skymap_id": SKYMAP_ID}
    row |= {"isprimary": True, "i_psfflux_mag": 19.5}
    row |= {f"{band}_cmodel_mag": mag for band, mag in zip(BANDS, (19.5, 19.2, 19.0, 18.9, 18.8), strict=True)}
    row |= {f"a_{band}": 0.1 for band in BANDS}
    row |= {f"{band}_{flag}": False for band in BANDS for flag in FLAGS}
    return row | changes


def hsc_mask(object_id: int, **changes: Any) -> dict[str, Any]:
    return {"object_id": object_id} | {f"{band}_{mask}": False for band in BANDS for mask in MASKS} | changes


def hsc_patch(skymap_id: int = SKYMAP_ID, **changes: Any) -> dict[str, Any]:
    row = {"skymap_id": skymap_id, "tract": skymap_id // 10000, "patch": skymap_id % 10000}
    row |= {f"{band}seeing": 0.7 for band in BANDS} | {f"{band}mag_psf_depth": DEPTHS[band] for band in BANDS}
    return row | changes


def specz_row(object_id: int, redshift: float | None = 0.1, **changes: Any) -> dict[str, Any]:
    row = {"object_id": object_id, "d_pos": 0.2, "specz_name": f"SDSS-DR15-{object_id}", "specz_redshift": redshift}
    row |= {"specz_redshift_err": 1e-5, "specz_flag_homogeneous": True}
    row |= {"specz_flag_sdss_dr15": True, "specz_flag_gama_dr3": False}
    return row | changes


def galspec_info(specobjid: str, ra: float, dec: float, **changes: Any) -> dict[str, Any]:
    row = {"specobjid": specobjid, "plateid": 266, "mjd": 51630, "fiberid": 1, "ra": ra, "dec": dec, "z": 0.1}
    return row | {"z_warning": 0, "reliable": 1, "sn_median": 10.0} | changes


class Survey:
    """A DuckDB connection with the tables that the SQL reads, and ways to fill them from rows typed in a test."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.connection = duckdb.connect()
        self.columns: dict[str, list[str]] = {}
        self.n_added: Counter[str] = Counter()
        for schema in ("raw", "survey", "model", "paper", "meta"):
            self.connection.execute(f"create schema {schema}")
        given = [
            *contracts_of("raw"),
            *contracts_of("meta"),
            "survey.bands",
            "survey.instrument",
            "survey.stamps",
            "survey.cubes",
            "model.cube_sets",
            "model.runs",
            "model.epochs",
            "model.checkpoints",
            "model.selection_scores",
            "model.best_scores",
            "model.layers",
            "model.radial_profiles",
            "model.rank_correlations",
            "model.ks_tests",
            "model.spectra_stacks",
        ]
        for table in given:
            contract = load_contract(table, settings.band_names)
            columns = contract.columns
            listing = ", ".join(f'"{name}" {SQL_TYPES[column.type]}' for name, column in columns.items())
            self.columns[table] = list(columns)
            # rows typed here have no cell: the cross-match then computes it
            listing += ", sky_cell bigint" if contract.keeps_cells else ""
            self.connection.execute(f"create table {table} ({listing})")
        self.add("meta.settings", *setting_rows(settings, load_preset("paper")))
        self.add("survey.bands", *({**band.model_dump(), "position": k} for k, band in enumerate(settings.bands)))
        self.add("survey.instrument", settings.instrument.model_dump())
        create_macros(self.connection)

    def add(self, table: str, *rows: Mapping[str, Any]) -> None:
        """Put rows in; columns not named are NULL, `file_row` counts on, `source_file` is the table's name."""
        names = self.columns_of(table)
        filled = []
        for row in rows:
            unknown = row.keys() - set(names)
            assert not unknown, f"{table} has no column {unknown}"
            own = {"source_file": table, "file_row": self.n_added[table]} if "file_row" in names else {}
            filled.append(own | row)
            self.n_added[table] += 1
        for used, group in groupby(filled, key=list):
            listing = ", ".join(f'"{name}"' for name in used)
            values = [list(row.values()) for row in group]
            marks = ", ".join(f"({', '.join('?' * len(used))})" for _ in values)
            self.connection.execute(f"insert into {table} ({listing}) values {marks}", list(chain(*values)))

    def add_columns(self, table: str, **columns: Any) -> None:
        """Put many rows in by columns: a list gives the rows, any other value is the same in all."""
        listing = ", ".join(f"unnest(${name})" if isinstance(v, list) else f"${name}" for name, v in columns.items())
        self.connection.execute(f"insert into {table} ({', '.join(columns)}) select {listing}", columns)

    def columns_of(self, table: str) -> list[str]:
        if table not in self.columns:
            self.columns[table] = [row[0] for row in self.rows(f"describe {table}")]
        return self.columns[table]

    def run(self, stage: str) -> None:
        for model in load_models(stage):
            run_model(self.connection, model)

    def rows(self, query: str) -> list[tuple]:
        return self.connection.execute(query).fetchall()

    def records(self, query: str) -> list[dict[str, Any]]:
        cursor = self.connection.execute(query)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.fixture(scope="module")
def make_survey() -> Callable[..., Survey]:
    """Makes a survey with the paper's settings, changed by name."""
    made = []

    def make(**changes: Any) -> Survey:
        survey = Survey(load_preset("paper", **changes))
        made.append(survey.connection)
        return survey

    yield make
    for connection in made:
        connection.close()


@pytest.fixture
def typed() -> SimpleNamespace:
    """Rows as the archives have them, good in every respect, to be spoiled one value at a time."""
    return SimpleNamespace(
        bands=BANDS,
        flags=FLAGS,
        masks=MASKS,
        hsc_object=hsc_object,
        hsc_mask=hsc_mask,
        hsc_patch=hsc_patch,
        specz=specz_row,
        galspec_info=galspec_info,
    )
