"""Everything ganaug raises or warns about, in one tree.

GanaugError
 ├── InvalidInputError (ValueError)    the data or a parameter; names it, its value and the way out
 │    ├── TableTooWideError            the encoded table would not fit in memory
 │    ├── ConditionError               conditions that no row can meet
 │    └── UnreadableImageError         files that are no images, or damaged ones
 ├── ModelFileError (ValueError)       a saved model can't be read
 │    └── FormatVersionError           it was written by another format version
 ├── CheckpointError (ValueError)      a checkpoint does not belong to this fit
 ├── TrainingDivergedError (RuntimeError)   not one finite step could be made
 └── MissingDependencyError (ImportError)   an extra is not installed

GanaugWarning (UserWarning)
 ├── DataWarning                       something about the data that the user should know
 └── TrainingWarning                   something about the training that the user should know
"""


class GanaugError(Exception):
    """Base class of all errors raised on purpose by ganaug."""


class InvalidInputError(GanaugError, ValueError):
    """The data or a parameter can't be used as given."""


class TableTooWideError(InvalidInputError):
    """The encoded table would need more memory than allowed."""


class ConditionError(InvalidInputError):
    """No row can meet the conditions asked for."""


class UnreadableImageError(InvalidInputError):
    """Files that can't be read as images; names them."""


class ModelFileError(GanaugError, ValueError):
    """A saved model can't be read."""


class FormatVersionError(ModelFileError):
    """A saved model has a format version this release does not know."""


class CheckpointError(GanaugError, ValueError):
    """A checkpoint can't be read or belongs to another fit."""


class TrainingDivergedError(GanaugError, RuntimeError):
    """Training produced no finite step at all."""


class MissingDependencyError(GanaugError, ImportError):
    """An optional dependency is needed and not installed."""


class GanaugWarning(UserWarning):
    """Base class of all warnings issued by ganaug."""


class DataWarning(GanaugWarning):
    """Something about the data that the user should know."""


class TrainingWarning(GanaugWarning):
    """Something about the training that the user should know."""
