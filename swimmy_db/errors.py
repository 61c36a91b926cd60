"""Errors that are meant for a person; the command line turns each class into its exit code."""


class SwimmyError(Exception):
    """Something failed; the message says what, where, and what to do (exit code 1)."""

    exit_code = 1


class UsageError(SwimmyError):
    """The command was asked for something that does not exist or does not fit together (exit code 2)."""

    exit_code = 2


class InputRefused(SwimmyError):
    """A file, column or value is not what its contract says: names file, column, expected, found (exit code 3)."""

    exit_code = 3


class NotReady(SwimmyError):
    """What was asked for needs an earlier step; the message names the command that comes first (exit code 1)."""


class FetchFailed(SwimmyError):
    """An archive could not be reached or did not serve what was asked for; what came stays for the next attempt."""
