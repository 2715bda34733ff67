"""Columns as levels: each kind of column turned into integer codes, and back.

A level is one category, one frequent number, one bin of numbers, "missing", or "other". Continuous columns add a
*position* in (0, 1) inside the bin. ``UNSEEN`` (-1) codes a value that was not there when the encoder was fitted.
"""

from ganaug.tabular.columns.category import CategoryColumn
from ganaug.tabular.columns.choices import UNSEEN, Choices, UniformNoise
from ganaug.tabular.columns.identifier import IdentifierColumn
from ganaug.tabular.columns.number import NumberColumn

Column = CategoryColumn | NumberColumn | IdentifierColumn

__all__ = ["UNSEEN", "CategoryColumn", "Choices", "Column", "IdentifierColumn", "NumberColumn", "UniformNoise"]
