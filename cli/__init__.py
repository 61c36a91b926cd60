"""The swimmy command: each command parses, calls one library function, prints."""
