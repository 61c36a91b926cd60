"""The stages in order: what each reads and makes, and what is up to date."""
