"""The catalogue of a survey of one's own: FITS, VOTable, CSV or Parquet to raw.own_objects and raw.own_photometry."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from swimmy_db.errors import InputRefused
from swimmy_db.sources.own_declaration import PHOTOMETRY, OwnSurvey
from swimmy_db.sources.own_tables import read_columns

TRUE_WORDS = ("true", "t", "yes", "y")
FALSE_WORDS = ("false", "f", "no", "n")


def read_objects(survey: OwnSurvey) -> Iterator[pa.Table]:
    """raw.own_objects: tables of at most 100 000 rows in file order, ra and dec in deg.

    Integer ids are kept. Ids that are text keep their text in source_id, and object_id is the row in the file + 1:
    stable as long as rows are only appended, and never a clash, which no hash can promise.

    Raises InputRefused naming file, column, expected, found: missing columns, ids that are floats, empty or
    repeated, positions that are missing or not on the sky.
    """
    _refuse_repeated_ids(survey)
    columns = survey.catalogue.columns.of_objects()
    for first_row, table in read_columns(survey, columns):
        rows = pa.array(np.arange(first_row, first_row + len(table)), pa.int64())
        object_ids, source_ids = _ids(survey, table["object_id"], rows)
        ra, dec = _positions(survey, table)
        _refuse_off_sky(survey, ra, dec, first_row)
        text = {
            name: table[name].cast(pa.string()) if name in table.column_names else pa.nulls(len(table), pa.string())
            for name in ("redshift_source", "class_hint")
        }
        yield pa.table(
            {
                "object_id": object_ids,
                "source_id": source_ids,
                "ra": ra,
                "dec": dec,
                "redshift": _floats(survey, table, "redshift"),
                **text,
                "is_point_source": _switches(survey, table, "is_point_source"),
                "flagged": _switches(survey, table, "flagged"),
                "tract": _whole_numbers(survey, table, "tract", 0),
                "patch": _whole_numbers(survey, table, "patch", None),
            }
        )


def read_photometry(survey: OwnSurvey) -> Iterator[pa.Table]:
    """raw.own_photometry: an object and band a row, tables of at most 100 000 rows, magnitudes AB, seeing in arcsec.

    Seeing and depth are the catalogue's columns, or else the band's constants of survey.toml.
    Raises InputRefused as read_objects does.
    """
    columns = survey.catalogue.columns
    names = {band.band: columns.of_photometry(band) for band in survey.bands}
    mapping = {"object_id": columns.object_id} | {
        f"{ours} {band}": theirs for band, mapped in names.items() for ours, theirs in mapped.items()
    }
    for first_row, table in read_columns(survey, mapping):
        rows = pa.array(np.arange(first_row, first_row + len(table)), pa.int64())
        object_ids, _ = _ids(survey, table["object_id"], rows)
        for band in survey.bands:
            constant = {"seeing_fwhm": band.seeing_fwhm, "psf_depth": band.depth}
            values = {ours: _floats(survey, table, f"{ours} {band.band}", constant.get(ours)) for ours in PHOTOMETRY}
            name = pa.array([band.band] * len(table), pa.string())
            yield pa.table({"object_id": object_ids, "band": name, **values, "file_row": rows})


def _ids(survey: OwnSurvey, values: pa.ChunkedArray, rows: pa.Array) -> tuple[pa.Array, pa.Array]:
    """object_id int64 and source_id text; rows: their numbers in the file."""
    where = _where(survey, "object_id")
    text = pa.types.is_string(values.type)
    if not text and not pa.types.is_integer(values.type):
        raise InputRefused(f"{where}: expected integers or text, found {values.type}")
    source_ids = pc.fill_null(values.cast(pa.string()), "").combine_chunks()
    empty = pc.index(source_ids, "").as_py()
    if empty >= 0:
        raise InputRefused(f"{where}: expected a value in every row, found none in row {rows[empty].as_py()}")
    if text:
        return pc.add(rows, 1), source_ids
    try:
        return values.cast(pa.int64()).combine_chunks(), source_ids
    except pa.ArrowInvalid as fault:
        raise InputRefused(f"{where}: expected integers below 2^63, found: {fault}") from None


def _refuse_repeated_ids(survey: OwnSurvey) -> None:
    columns = {"object_id": survey.catalogue.columns.object_id}
    ids = pa.concat_tables(table for _, table in read_columns(survey, columns))["object_id"]
    counts = ids.value_counts()
    repeated = counts.filter(pc.greater(counts.field("counts"), 1))
    if len(repeated):
        found = repeated[0]["values"]
        rows = pc.indices_nonzero(pc.equal(ids, found)).to_pylist()[:2]
        where = _where(survey, "object_id")
        raise InputRefused(
            f"{where}: expected every id once, found {found.as_py()} in rows {rows[0]} and {rows[1]}; "
            f"{len(repeated)} ids are repeated"
        )


def _where(survey: OwnSurvey, ours: str) -> str:
    theirs = getattr(survey.catalogue.columns, ours.partition(" ")[0])
    return f"{survey.catalogue_file}: column {theirs} ({ours})"


def _floats(survey: OwnSurvey, table: pa.Table, name: str, constant: float | None = None) -> pa.Array:
    """A column of numbers, null where it says missing; the constant stands where the catalogue says nothing."""
    if name not in table.column_names:
        return pa.array(np.full(len(table), np.nan if constant is None else constant), from_pandas=True)
    try:
        values = table[name].combine_chunks().cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InputRefused(f"{_where(survey, name)}: expected numbers, found {table[name].type}") from None
    # NaN is how FITS writes a missing number; in the database it would count as the greatest
    missing = pc.or_(pc.is_nan(values), pc.is_in(values, pa.array(survey.catalogue.missing_values, pa.float64())))
    values = pc.if_else(missing, pa.scalar(None, pa.float64()), values)
    return values if constant is None else pc.fill_null(values, constant)


def _switches(survey: OwnSurvey, table: pa.Table, name: str) -> pa.Array:
    """A column of booleans, of numbers (0 is false), or of words."""
    if name not in table.column_names:
        return pa.nulls(len(table), pa.bool_())
    values = table[name].combine_chunks()
    if pa.types.is_boolean(values.type):
        return values
    if not pa.types.is_string(values.type):
        return pc.not_equal(_floats(survey, table, name), 0.0)
    return pa.array([_switch(word, _where(survey, name)) for word in values.to_pylist()], pa.bool_())


def _switch(word: str | None, where: str) -> bool | None:
    folded = (word or "").strip().lower()
    if folded in ("", *TRUE_WORDS, *FALSE_WORDS):
        return folded in TRUE_WORDS if folded else None
    try:
        return float(folded) != 0.0
    except ValueError:
        raise InputRefused(f"{where}: expected true or false, found {word!r}") from None


def _whole_numbers(survey: OwnSurvey, table: pa.Table, name: str, default: int | None) -> pa.Array:
    if name not in table.column_names:
        return pa.array([default] * len(table), pa.int32())
    try:
        return table[name].combine_chunks().cast(pa.int32())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise InputRefused(f"{_where(survey, name)}: expected whole numbers, found {table[name].type}") from None


def _positions(survey: OwnSurvey, table: pa.Table) -> tuple[pa.Array, pa.Array]:
    """ra and dec in deg, from the catalogue or, through a gnomonic projection, from its pixels."""
    point = survey.catalogue.tangent_point
    if point is None:
        return _floats(survey, table, "ra"), _floats(survey, table, "dec")
    from astropy.wcs import WCS

    wcs = WCS(naxis=2)
    scale, angle = survey.instrument.pixel_scale / 3600.0, np.deg2rad(point.position_angle)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix = [point.ra, point.dec], [point.x, point.y]
    # axes: x to the west and y to the north, turned by the position angle from north through east
    wcs.wcs.cd = scale * np.array([[-np.cos(angle), np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    x, y = (_floats(survey, table, axis).to_numpy(zero_copy_only=False) for axis in ("x", "y"))
    # origin 1: crpix and the catalogue count alike, whatever they begin with
    ra, dec = wcs.all_pix2world(x, y, 1)
    return pa.array(np.mod(ra, 360.0)), pa.array(dec)


def _refuse_off_sky(survey: OwnSurvey, ra: pa.Array, dec: pa.Array, first_row: int) -> None:
    for name, values, least, most in (("ra", ra, 0.0, 360.0), ("dec", dec, -90.0, 90.0)):
        on_sky = pc.and_(pc.greater_equal(values, least), pc.less_equal(values, most))
        row = pc.index(pc.fill_null(on_sky, False), False).as_py()
        if row >= 0:
            found = values[row].as_py()
            where = _where(survey, name) if survey.catalogue.tangent_point is None else str(survey.catalogue_file)
            raise InputRefused(
                f"{where}: expected degrees in [{least}, {most}], found {found} in row {first_row + row}"
            )
