"""How close synthetic, enlarged and translated images and synthetic tables are to the real ones, in figures."""

from ganaug.evaluation.images import ImageQuality, image_quality
from ganaug.evaluation.privacy import PrivacyReport, privacy
from ganaug.evaluation.quality import QualityReport, quality
from ganaug.evaluation.report import write_report
from ganaug.evaluation.restoration import psnr, sharpness, ssim
from ganaug.evaluation.translation import TranslationComparison, compare_translation
from ganaug.evaluation.upscaling import UpscalingComparison, compare_upscaling

__all__ = [
    "ImageQuality",
    "PrivacyReport",
    "QualityReport",
    "TranslationComparison",
    "UpscalingComparison",
    "compare_translation",
    "compare_upscaling",
    "image_quality",
    "privacy",
    "psnr",
    "quality",
    "sharpness",
    "ssim",
    "write_report",
]
