"""Cutouts to PSF-matched, stretched 64x64 cubes in Parquet."""
