"""astropy's match_to_catalog_sky: left.parquet right.parquet answer.parquet."""

import sys

import astropy.units as u
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.coordinates import SkyCoord
from clock import timed

left, right, answer = sys.argv[1:]
with timed("astropy", "scipy"):
    many, few = pq.read_table(left), pq.read_table(right)
    places, others = (SkyCoord(t["ra"].to_numpy() * u.deg, t["dec"].to_numpy() * u.deg) for t in (many, few))
    index, separation, _ = places.match_to_catalog_sky(others)
    near = separation.arcsec <= 1.0
    found = {
        "left_id": many["object_id"].to_numpy()[near],
        "right_id": few["object_id"].to_numpy()[index[near]],
        "separation": separation.arcsec[near],
    }
    pq.write_table(pa.table(found), answer)
