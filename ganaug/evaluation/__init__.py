"""How close a synthetic table is to the real one, in figures and on a page."""

from ganaug.evaluation.quality import QualityReport, quality
from ganaug.evaluation.report import write_report

__all__ = ["QualityReport", "quality", "write_report"]
