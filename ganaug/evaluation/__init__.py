"""How close synthetic tables and images are to the real ones, in figures and on a page."""

from ganaug.evaluation.images import ImageQuality, image_quality
from ganaug.evaluation.quality import QualityReport, quality
from ganaug.evaluation.report import write_report

__all__ = ["ImageQuality", "QualityReport", "image_quality", "quality", "write_report"]
