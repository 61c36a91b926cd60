"""CAS answers: ids exact, types from the contract; a real answer of SkyServer (FORMATS.md section 3.3)."""

from pathlib import Path

import pyarrow as pa
import pytest

from swimmy_db.config import load_preset
from swimmy_db.contracts import conform, load_contract
from swimmy_db.errors import InputRefused
from swimmy_db.sources.fetching import FetchRequest, options_of
from swimmy_db.sources.sdss_cas import query, read_cas_csv
from swimmy_db.sources.sdss_galspec import read_galspec

REAL = Path(__file__).parents[3] / "shared" / "data" / "catalogues" / "sdss_specobj_xid_sp.txt"
INFO = "specObjID,plateid,mjd,fiberid,ra,dec,z,z_warning,reliable,sn_median,note\n"


def test_a_real_answer_keeps_its_ids_to_the_last_digit():
    if not REAL.exists():
        pytest.skip(f"{REAL.name} is not in ../shared/data/catalogues")
    table = pa.concat_tables(read_cas_csv(REAL, "raw.galspec_info"))
    row = table.to_pylist()[0]
    assert row["specobjid"] == "845594848269461504"
    assert row["objid"] == 1237652943176138868
    assert (row["plate"], row["mjd"], row["fiberID"], row["run2d"]) == (751, 52251, 160, 26)
    assert (row["ra"], row["dec"], row["z"]) == (2.02344596303, 14.8398237521, 0.04559058)
    assert row["instrument"] == "SDSS"


def test_types_come_from_the_contract_and_the_rest_from_the_values(tmp_path):
    path = tmp_path / "galSpecInfo.csv"
    path.write_text("#Table1\n" + INFO + "18446744073709551615,266,51630,1,10,-1,0,0,1,17,null\n")
    table = conform(pa.concat_tables(read_galspec(path)), load_contract("raw.galspec_info"), path.name)
    row = table.to_pylist()[0]
    assert row["specobjid"] == "18446744073709551615"
    assert (row["ra"], row["z"], row["plateid"]) == (10.0, 0.0, 266)
    assert table["z"].type == pa.float64()


def test_a_cell_that_does_not_fit_is_named(tmp_path):
    path = tmp_path / "galSpecInfo.csv"
    path.write_text(INFO + "1,266,51630,1,10,-1,0,0,1,17,a\n2,many,51630,1,10,-1,0,0,1,17,a\n")
    with pytest.raises(InputRefused, match=r"galSpecInfo\.csv: line 3, column plateid: expected int32, found 'many'"):
        list(read_galspec(path))
    path.write_text(INFO + "1,2\n")
    with pytest.raises(InputRefused, match=r"galSpecInfo\.csv: expected a CSV file"):
        list(read_galspec(path))
    (tmp_path / "galSpecLine.csv").write_text("specObjID\n1\n2\n")
    path.write_text(INFO + "1,266,51630,1,10,-1,0,0,1,17,a\n")
    with pytest.raises(InputRefused, match=r"galSpecLine\.csv has 2"):
        list(read_galspec(path))


def test_positions_keep_all_their_digits_in_the_query():
    request = FetchRequest(load_preset("paper"), options_of("mpa-jhu", {"radius_arcsec": "1.5"}))
    sql = query("galSpecLine", [(359.99999999999, -0.000012345678), (0.1, 89.0)], request)
    assert "fGetNearbySpecObjEq(359.99999999999,-1.2345678e-05,0.025)" in sql
    assert sql.count("union") == 1
    assert sql.count("galSpecLine") == 2
