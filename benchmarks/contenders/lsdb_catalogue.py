"""Build the HATS catalogue that LSDB reads: input.parquet folder margin."""

import sys

import lsdb
import pyarrow.parquet as pq

source, folder = sys.argv[1:]
frame = pq.read_table(source).to_pandas()
catalogue = lsdb.from_dataframe(frame, ra_column="ra", dec_column="dec", margin_threshold=10.0, catalog_name="sky")
catalogue.write_catalog(folder)
