"""Every decision of the search, as SQL files; installed as swimmy_db.sql."""
