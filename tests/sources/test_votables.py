"""VOTables as services serve them, in each serialisation, against astropy's own reading."""

import io

import numpy as np
import pyarrow as pa
import pytest
from astropy.io.votable.tree import Info, VOTableFile
from astropy.table import MaskedColumn, Table

from swimmy_db.errors import InputRefused
from swimmy_db.sources import votables
from swimmy_db.sources.votables import is_votable, read_votable

IDS = [36411461425187990, 2**62 + 1, -7]


def table() -> Table:
    return Table(
        {
            "recno": MaskedColumn(np.array(IDS, "i8")),
            "z": MaskedColumn([0.1, 0.0, np.nan], mask=[False, True, False]),
            "Qpct": MaskedColumn(np.array([99, 0, 3], "i2"), mask=[False, True, False]),
            "Name": MaskedColumn(["SDSS J1+2 ", "", "\u03b1 Cen"], mask=[False, True, False]),
            "spectrum": MaskedColumn(np.zeros((3, 4), "f4")),
        }
    )


def write(path, serialisation, status="OK", said=None):
    document = VOTableFile.from_table(table())
    info = Info(name="QUERY_STATUS", value=status)
    info.content = said
    document.resources[0].infos.append(info)
    out = io.BytesIO()
    document.to_xml(out, tabledata_format=serialisation)
    path.write_bytes(out.getvalue())
    return path


@pytest.mark.parametrize("serialisation", ["tabledata", "binary2"])
def test_values_ids_and_missing_cells_are_as_served(tmp_path, serialisation):
    found = pa.concat_tables(read_votable(write(tmp_path / "t.vot", serialisation)))
    assert found.column_names == ["recno", "z", "Qpct", "Name"]
    assert found["recno"].to_pylist() == IDS
    assert found["z"].to_pylist() == [0.1, None, None]
    assert found["Name"].to_pylist() == ["SDSS J1+2", None, "\u03b1 Cen"]
    assert found["Qpct"].to_pylist() == [99, None, 3]


def test_blocks_add_up(tmp_path, monkeypatch):
    monkeypatch.setattr(votables, "ROWS", 2)
    assert [len(block) for block in read_votable(write(tmp_path / "t.vot", "binary2"))] == [2, 1]


@pytest.mark.parametrize("status", ["OVERFLOW", "ERROR"])
def test_an_answer_that_says_it_is_not_whole_is_refused(tmp_path, status):
    path = write(tmp_path / "t.vot", "binary2", status, "too  much")
    with pytest.raises(
        InputRefused, match=rf"t\.vot: expected a whole answer, found QUERY_STATUS {status}: 'too much'"
    ):
        list(read_votable(path))


def test_what_is_no_votable_is_refused(tmp_path):
    whole = write(tmp_path / "t.vot", "tabledata").read_bytes()
    for name, content in {
        "cut": whole[:-200],
        "page": b"<html>busy</html>",
        "empty": b"",
        "binary": bytes(range(256)),
    }.items():
        path = tmp_path / f"{name}.vot"
        path.write_bytes(content)
        with pytest.raises(InputRefused, match=rf"{name}\.vot: expected a VOTable"):
            list(read_votable(path))
    assert is_votable(tmp_path / "t.vot")
    assert not is_votable(tmp_path / "binary.vot")
