"""swimmy_db's macro, in the bare database: left.parquet right.parquet answer.parquet [kept].

kept: left.parquet has the column sky_cell, as a catalogue has it that was ingested.
"""

import sys

import duckdb
from clock import timed

from swimmy_db import sql_models

left, right, answer, *kept = sys.argv[1:]
cells = "sky_cell" if kept else "null"
with timed("duckdb"):
    connection = duckdb.connect()
    sql_models.create_macros(connection)
    connection.execute(f"create view few as from read_parquet('{right}')")
    connection.execute(f"create view many as from read_parquet('{left}')")
    # each of the many takes its nearest of the few
    connection.execute(f"""
        copy (
            select
                right_id as left_id,
                arg_min(left_id, separation_arcsec) as right_id,
                min(separation_arcsec) as separation
            from crossmatch('few', object_id, 'many', object_id, 1.0, right_cell := {cells})
            group by all
        ) to '{answer}' (format parquet)
    """)
    connection.close()
