"""What can go wrong with a sweep as a whole."""


class SweepError(Exception):
    """A sweep cannot begin or go on; the message is one sentence."""
