"""MLflow: watch a training, log a comparison, and run whole jobs with everything tracked.

The only room that imports mlflow, and it does so when something is to be logged.
"""

from ganaug.tracking.augment_run import AugmentRun, track_augment_run
from ganaug.tracking.callback import MLflowCallback
from ganaug.tracking.comparison import log_comparison
from ganaug.tracking.detect_run import DetectRun, track_detect_run
from ganaug.tracking.images_run import ImagesRun, track_images_run
from ganaug.tracking.table_run import TableRun, track_table_run
from ganaug.tracking.translate_run import TranslateRun, track_translate_run
from ganaug.tracking.upscale_run import UpscaleRun, track_upscale_run

__all__ = [
    "AugmentRun",
    "DetectRun",
    "ImagesRun",
    "MLflowCallback",
    "TableRun",
    "TranslateRun",
    "UpscaleRun",
    "log_comparison",
    "track_augment_run",
    "track_detect_run",
    "track_images_run",
    "track_table_run",
    "track_translate_run",
    "track_upscale_run",
]
