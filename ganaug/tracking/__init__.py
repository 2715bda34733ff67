"""MLflow: watch a training, and run the main job with everything tracked.

The only room that imports mlflow, and it does so when something is to be logged.
"""

from ganaug.tracking.callback import MLflowCallback
from ganaug.tracking.detect_run import DetectRun, track_detect_run
from ganaug.tracking.table_run import TableRun, track_table_run

__all__ = ["DetectRun", "MLflowCallback", "TableRun", "track_detect_run", "track_table_run"]
