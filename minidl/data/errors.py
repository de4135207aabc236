"""The one exception of this package."""


class DataError(ValueError):
    """A data set could not be named, found, downloaded or read. The message says what to do about it."""
