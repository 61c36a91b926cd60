"""MPA-JHU, DR16Q and GAMA: FITS tables made by astropy from rows typed by hand (FORMATS.md 3.1, 3.2, 4.2)."""

import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits
from astropy.table import Table

from swimmy_db.contracts import conform, load_contract
from swimmy_db.errors import InputRefused
from swimmy_db.sources import fits_tables
from swimmy_db.sources.dr16q import read_dr16q
from swimmy_db.sources.fits_tables import read_fits_table
from swimmy_db.sources.gama import read_gama
from swimmy_db.sources.sdss_galspec import read_galspec

CATALOGUES = Path(__file__).parents[3] / "shared" / "data" / "catalogues"
# fmt: off
LINES = [
    "OII_3726", "OII_3729", "NEIII_3869", "H_DELTA", "H_GAMMA", "OIII_4363", "H_BETA", "OIII_4959", "OIII_5007",
    "HEI_5876", "OI_6300", "NII_6548", "H_ALPHA", "NII_6584", "SII_6717", "SII_6731", "ARIII7135",
]
# fmt: on
KINDS = ["CONT", "CONT_ERR", "REQW", "REQW_ERR", "EQW", "EQW_ERR", "FLUX", "FLUX_ERR", "INST_RES", "CHISQ"]


def read(path, table, reader):
    return conform(pa.concat_tables(reader(path)), load_contract(table), path.name)


def columns(**values):
    """FITS columns `name=(format, values)`, in upper case as the archives have them."""
    return [fits.Column(name.upper(), form, array=np.array(array)) for name, (form, array) in values.items()]


def write(path, made):
    fits.BinTableHDU.from_columns(made).writeto(path)
    return path


def write_galspec(folder):
    ids = ("22A", ["  299489677444933632", "                      ", "2974494891234567890"])
    info = columns(
        specobjid=ids,
        plateid=("I", [266, -1, 1745]),
        mjd=("J", [51630, -1, 53061]),
        fiberid=("I", [1, -1, 640]),
        ra=("E", [146.71421, -1.0, 133.5]),
        dec=("E", [-1.0413043, -1.0, 40.25]),
        z=("E", [0.0212, -1.0, 0.1277]),
        z_warning=("I", [0, -1, 4]),
        reliable=("I", [1, -1, 0]),
        spectrotype=("6A", ["GALAXY", "", "GALAXY"]),
        sn_median=("E", [17.1, 0.0, 5.2]),
    )
    line = columns(specobjid=ids) + [
        fits.Column(f"{name}_{kind}", "E", array=np.array([row, 0.0, -row], "f4"))
        for row, (name, kind) in enumerate([(name, kind) for name in LINES for kind in KINDS], 1)
    ]
    line += columns(oii_flux=("E", [12.5, 0.0, 3.0]))
    extra = columns(
        bptclass=("I", [4, -1, 1]),
        lgm_tot_p50=("E", [10.75, -9999.0, 9.5]),
        sfr_tot_p50=("E", [0.5, -9999.0, -1.25]),
    )
    for kind, made in (("Info", info), ("Line", line), ("Extra", extra)):
        write(folder / f"galSpec{kind}-dr8.fits", made)


def test_galspec_keeps_every_row_with_ids_signs_and_missing_values_as_served(tmp_path):
    write_galspec(tmp_path)
    info = read(tmp_path / "galSpecInfo-dr8.fits", "raw.galspec_info", read_galspec)
    assert info["specobjid"].to_pylist() == ["299489677444933632", None, "2974494891234567890"]
    assert info["plateid"].to_pylist() == [266, -1, 1745]
    assert info["ra"].to_pylist() == [np.float64(np.float32(146.71421)), -1.0, 133.5]
    assert info["spectrotype"].to_pylist() == ["GALAXY", None, "GALAXY"]
    line = read(tmp_path / "galSpecLine-dr8.fits", "raw.galspec_line", read_galspec)
    native = Table.read(tmp_path / "galSpecLine-dr8.fits")
    assert len(line) == 3
    for name in LINES:
        for kind in KINDS:
            served = native[f"{name}_{kind}"].astype(float)
            assert line[f"{name}_{kind}".lower()].to_pylist() == list(served), name
    assert line["h_alpha_eqw"].to_pylist()[2] == -(LINES.index("H_ALPHA") * 10 + 5)
    assert line["oii_flux"].to_pylist() == [12.5, 0.0, 3.0]
    extra = read(tmp_path / "galSpecExtra-dr8.fits", "raw.galspec_extra", read_galspec)
    assert extra["bptclass"].to_pylist() == [4, -1, 1]
    assert extra["lgm_tot_p50"].to_pylist() == [10.75, -9999.0, 9.5]


def test_galspec_files_of_unequal_length_are_refused(tmp_path):
    write_galspec(tmp_path)
    (tmp_path / "galSpecExtra-dr8.fits").unlink()
    write(tmp_path / "galSpecExtra-dr8.fits", columns(bptclass=("I", [4, -1])))
    for kind in ("Info", "Line", "Extra"):
        with pytest.raises(InputRefused, match=r"galSpecExtra-dr8\.fits has 2"):
            list(read_galspec(tmp_path / f"galSpec{kind}-dr8.fits"))


def test_galspec_without_a_needed_line_is_refused_by_name(tmp_path):
    path = write(tmp_path / "galSpecLine-dr8.fits", columns(h_alpha_eqw=("E", [-1.0])))
    with pytest.raises(InputRefused, match="column oii_3726_cont: expected float64"):
        read(path, "raw.galspec_line", read_galspec)


def test_dr16q_flattens_the_magnitudes_and_leaves_other_vectors(tmp_path):
    path = write(
        tmp_path / "DR16Q_v4.fits",
        columns(
            sdss_name=("18A", ["105419.79+574045.5", "105506.15+580317.2"]),
            ra=("D", [163.58247024880006, 163.7756343376886]),
            dec=("D", [57.679327868097516, 58.054790122599876]),
            plate=("J", [7102, 7102]),
            mjd=("J", [56666, 56666]),
            fiberid=("J", [494, 520]),
            z=("D", [0.161, 2.387]),
            z_vi=("D", [-1.0, 2.387]),
            is_qso_final=("I", [1, 0]),
            psfmag=("5E", [[24.5, 22.25, 21.5, 20.75, 20.5], [22.5, 21.75, 21.5, 21.25, 20.75]]),
            duplicate_mjd=("3J", [[1, 2, 3], [4, 5, 6]]),
            w1_mag=("E", [15.0, 16.0]),
        ),
    )
    table = read(path, "raw.dr16q", read_dr16q)
    assert table["psfmag_i"].to_pylist() == [20.75, 21.25]
    assert table["psfmag_u"].to_pylist() == [24.5, 22.5]
    assert table["z"].to_pylist() == [0.161, 2.387]
    assert table["is_qso_final"].to_pylist() == [1, 0]
    assert table["ra"].to_pylist() == [163.58247024880006, 163.7756343376886]
    assert not {"duplicate_mjd", "w1_mag"} & set(table.column_names)


def test_nulls_unsigned_and_logical_columns_are_read_as_astropy_reads_them(tmp_path):
    made = fits.BinTableHDU.from_columns(
        [
            fits.Column("COUNT", "J", null=-99, array=np.array([1, -99, 3], "i4")),
            fits.Column("ID", "K", bzero=2**63, array=np.array([0, 2**64 - 1, 2**63], "u8")),
            fits.Column("GOOD", "L", array=np.array([True, False, True])),
            fits.Column("WORD", "4A", array=np.array(["ab", "", "  c "])),
            fits.Column("SCALED", "I", array=np.array([1, 2, -1], "i2")),
        ]
    )
    made.header["TSCAL5"] = 0.5
    made.header["TZERO5"] = 10.0
    path = tmp_path / "t.fits"
    made.writeto(path)
    table = pa.concat_tables(read_fits_table(path))
    assert table["COUNT"].to_pylist() == [1, None, 3]
    assert table["ID"].to_pylist() == [0, 2**64 - 1, 2**63]
    assert table["GOOD"].to_pylist() == [True, False, True]
    assert table["SCALED"].to_pylist() == [10.5, 11.0, 9.5]
    assert table["WORD"].to_pylist() == ["ab", None, "c"]


def test_blocks_add_up_to_the_table(tmp_path, monkeypatch):
    values = np.arange(1000.0)
    path = write(tmp_path / "t.fits", columns(x=("D", values), y=("J", values.astype("i4"))))
    monkeypatch.setattr(fits_tables, "BLOCK_ROWS", 128)
    blocks = list(read_fits_table(path))
    assert [len(block) for block in blocks] == [128] * 7 + [104]
    np.testing.assert_array_equal(pa.concat_tables(blocks)["X"].to_numpy(), values)


def test_memory_does_not_grow_with_the_file(tmp_path):
    rows = 400_000
    path = write(tmp_path / "t.fits", columns(**{f"x{k}": ("D", np.zeros(rows)) for k in range(20)}))
    tracemalloc.start()
    assert sum(len(block) for block in read_fits_table(path)) == rows
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size > 60e6
    assert peak < 30e6


def test_a_table_without_rows_keeps_its_columns(tmp_path):
    path = write(tmp_path / "t.fits", columns(x=("D", [])))
    assert pa.concat_tables(read_fits_table(path)).column_names == ["X"]


def test_what_is_no_table_is_refused(tmp_path):
    whole = write(tmp_path / "whole.fits", columns(x=("D", np.arange(5000.0)))).read_bytes()
    image = tmp_path / "image.fits"
    fits.PrimaryHDU(np.zeros((4, 4))).writeto(image)
    cases = {
        "truncated": whole[:20_000],
        "html": b"<html>404</html>",
        "empty": b"",
        "header cut": whole[:3000],
        "header damaged": whole.replace(b"TFORM1", b"TFORM\xe9"),
        "rows too short": whole.replace(b"NAXIS1  =                    8", b"NAXIS1  =                    4"),
        "no table": image.read_bytes(),
    }
    for name, content in cases.items():
        path = tmp_path / f"{name}.fits"
        path.write_bytes(content)
        with pytest.raises(InputRefused, match=rf"{name}\.fits: expected"):
            list(read_fits_table(path))
    with pytest.raises(InputRefused, match="no such file"):
        list(read_fits_table(tmp_path / "nothing.fits"))


def real(name):
    if not (CATALOGUES / name).exists():
        pytest.skip(f"{name} is not in ../shared/data/catalogues")
    return CATALOGUES / name


def test_real_gama_rows_are_what_astropy_reads():
    path = real("gama_specobj_5rows_GAMA_HzVs28.fits")
    table = read(path, "raw.gama", read_gama)
    native = Table.read(path)
    assert table["specid"].to_pylist() == [str(value) for value in native["SPECID"]]
    for name in ("RA", "DEC", "Z", "NQ", "PROB", "CATAID", "DIST"):
        np.testing.assert_array_equal(table[name.lower()].to_numpy(), np.asarray(native[name]))
    assert table["survey"].to_pylist() == [str(value).strip() for value in native["SURVEY"]]


@pytest.mark.filterwarnings("ignore::astropy.units.UnitsWarning")
def test_real_boss_quasars_are_what_astropy_reads():
    path = real("boss_dr12q_superset_plate7102_140rows.fits.gz")
    table = read(path, "raw.dr16q", read_dr16q)
    native = Table.read(path)
    assert table["sdss_name"].to_pylist() == [str(value) for value in native["SDSS_NAME"]]
    np.testing.assert_array_equal(table["z"].to_numpy(), np.asarray(native["Z_VI"]))
    np.testing.assert_array_equal(table["psfmag_r"].to_numpy(), np.asarray(native["PSFMAG"])[:, 2])
    np.testing.assert_array_equal(table["thing_id"].to_numpy(), np.asarray(native["THING_ID"]))


def test_real_sdss_rows_are_what_astropy_reads():
    for name in ("greenpeas_sdss_dr16_473rows.fits", "sdss_mgs_10k_kcorrect_gst_tests_small.fits"):
        path = real(name)
        native = Table.read(path, mask_invalid=False)
        table = pa.concat_tables(read_fits_table(path))
        assert len(table) == len(native)
        scalar = [column for column in native.colnames if native[column].ndim == 1]
        assert set(scalar) == set(table.column_names)
        for column in scalar:
            if native[column].dtype.kind in "SU":
                assert [text or "" for text in table[column].to_pylist()] == [str(v).strip() for v in native[column]]
            else:
                np.testing.assert_array_equal(table[column].to_numpy(zero_copy_only=False), np.asarray(native[column]))
