"""Sphinx settings: pages in Markdown, reference from the docstrings."""

project = "ganaug"
copyright = "2026, the ganaug authors"
extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc", "myst_parser"]
html_theme = "alabaster"
exclude_patterns = ["_build"]
autodoc_typehints = "none"
numpydoc_show_class_members = False
myst_heading_anchors = 3
# README is included from the root; its links are the repository's.
suppress_warnings = ["myst.xref_missing"]
