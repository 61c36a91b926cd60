"""Find the strangest galaxies of a deep imaging survey, from SQL."""
