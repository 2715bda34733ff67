"""Tables to try things on: a simulator of card payments, readers, and well-known public sets."""

from ganaug.datasets.loaders import list_datasets, load_dataset, load_table
from ganaug.datasets.transactions import make_transactions

__all__ = ["list_datasets", "load_dataset", "load_table", "make_transactions"]
