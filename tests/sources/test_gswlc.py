"""GSWLC-2 lines typed by hand from FORMATS.md 4.3."""

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import ascii as astropy_ascii

from swimmy_db.contracts import conform, load_contract
from swimmy_db.errors import InputRefused
from swimmy_db.sources.gswlc import read_gswlc

# fmt: off
LINES = (
    "1237645879578460255  2401395413087523840   266 51630   1  146.71421  -1.04130  0.02122   0.93  9.855 0.031 "
    " 0.108 0.065  2.10 0.30  1.20 0.21  0.90 0.16  0  2  3  1  1\n"
    "1237654949982044274 -99                    278 51900 640  359.99990   0.50000  0.12770  31.50 -99.000 -99.000"
    " -99.000 -99.000 -99.00 -99.00 -99.00 -99.00 -99.00 -99.00  2  1  0  6  0\n"
)
NAMES = [
    "objid", "glxid", "plate", "mjd", "fiberid", "ra", "dec", "z", "chi2_r", "logmstar", "logmstar_err", "logsfr_sed",
    "logsfr_sed_err", "a_fuv", "a_fuv_err", "a_b", "a_b_err", "a_v", "a_v_err", "flag_sed", "uv_survey", "flag_uv",
    "flag_midir", "flag_mgs",
]
# fmt: on


def read(path):
    return conform(pa.concat_tables(read_gswlc(path)), load_contract("raw.gswlc"), path.name)


@pytest.mark.parametrize("compress", [gzip.compress, lambda content: content])
def test_gzipped_or_not_whatever_the_name(tmp_path, compress):
    path = tmp_path / "GSWLC-X2.dat.gz"
    path.write_bytes(compress(LINES.encode()))
    table = read(path)
    first, second = table.to_pylist()
    assert (first["objid"], first["glxid"], first["fiberid"]) == (1237645879578460255, 2401395413087523840, 1)
    assert (first["ra"], first["logmstar"], first["logsfr_sed"], first["a_v"]) == (146.71421, 9.855, 0.108, 0.9)
    assert (first["flag_sed"], first["uv_survey"], first["flag_uv"], first["flag_midir"], first["flag_mgs"]) == (
        0,
        2,
        3,
        1,
        1,
    )
    assert (second["glxid"], second["logmstar"], second["flag_sed"], second["flag_midir"]) == (-99, -99.0, 2, 6)
    native = astropy_ascii.read(LINES, format="no_header", names=NAMES)
    for name in NAMES:
        assert table[name].to_pylist() == list(native[name]), name


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("  0.108", " ", "line 1: expected 24 cells, found 23"),
        ("359.99990", "359.x", "line 2, column ra: expected double, found '359.x'"),
        ("1237654949982044274", "1.2376549e18", "line 2, column objid: expected int64, found '1.2376549e18'"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path, old, new, expected):
    path = tmp_path / "GSWLC-X2.dat"
    path.write_text(LINES.replace(old, new, 1))
    with pytest.raises(InputRefused) as refusal:
        read(path)
    assert expected in str(refusal.value)


def test_a_cut_download_is_refused(tmp_path):
    path = tmp_path / "GSWLC-X2.dat.gz"
    path.write_bytes(gzip.compress(LINES.encode() * 100)[:-50])
    with pytest.raises(InputRefused, match="expected lines of text"):
        read(path)


def test_an_empty_file_is_an_empty_table(tmp_path):
    path = tmp_path / "GSWLC-X2.dat"
    path.write_text("")
    assert read(path).num_rows == 0


def test_real_masses_and_rates_come_through_as_published(tmp_path):
    real = Path(__file__).parents[3] / "shared" / "data" / "catalogues" / "gswlc2_reduced_1040rows.csv"
    if not real.exists():
        pytest.skip(f"{real.name} is not in ../shared/data/catalogues")
    native = astropy_ascii.read(real, format="csv").filled(np.nan)
    native = native[np.isfinite(native["RAdeg"])]
    assert len(native) > 900
    lines = [
        f"{1237645879578460255 + k} -99 266 51630 1 {row['RAdeg']} {row['DEdeg']} {row['Z']} 1.0 {row['LOGMSTAR']} "
        f"{row['LOGMSTARERR']} {row['LOGSFRSED']} {row['LOGSFRSEDERR']} 2.1 0.3 1.2 0.2 0.9 0.2 0 2 3 1 1"
        for k, row in enumerate(native)
    ]
    (tmp_path / "GSWLC-X2.dat").write_text(
        "\n".join(line.replace("np.float64(", "").replace(")", "") for line in lines)
    )
    table = read(tmp_path / "GSWLC-X2.dat")
    for ours, theirs in (("ra", "RAdeg"), ("dec", "DEdeg"), ("logmstar", "LOGMSTAR"), ("logsfr_sed", "LOGSFRSED")):
        np.testing.assert_array_equal(table[ours].to_numpy(), np.asarray(native[theirs], float), err_msg=ours)
