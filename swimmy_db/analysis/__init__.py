"""What SQL cannot say: controls, profiles, statistical tests."""
