"""Settings of the paper, of the demo, and of each survey, as TOML."""
