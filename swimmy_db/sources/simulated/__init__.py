"""The embedded survey: writes native files as the archives serve them; nothing after it knows."""
