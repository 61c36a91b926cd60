"""Find the strangest galaxies of a deep imaging survey, from SQL."""

import os

# An OpenMP thread that spins while it waits takes the core from the thread that it waits for. On two cores that others
# use too, scoring was six to eleven times slower with it (measured). Read when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
