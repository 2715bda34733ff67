"""Anomaly detection with a GAN's discriminator."""

from ganaug.anomaly.detector import GANDetector
from ganaug.anomaly.drift import DriftReport, drift
from ganaug.anomaly.image_detector import ImageGANDetector
from ganaug.anomaly.threshold import Threshold

__all__ = ["DriftReport", "GANDetector", "ImageGANDetector", "Threshold", "drift"]
