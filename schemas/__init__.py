"""One contract per table: columns, types, units, ranges, descriptions; installed as swimmy_db.schemas."""
