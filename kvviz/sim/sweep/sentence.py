"""What can go wrong with a sweep as a whole."""


class SweepError(Exception):
    """A sweep cannot start or continue; the message is one sentence."""
