"""One module per archive: native files in, Arrow tables under contract out."""
