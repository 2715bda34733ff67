"""The image encoder: arrays or files in, tensors in [-1, 1] out, and back."""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from ganaug.exceptions import InvalidInputError
from ganaug.images.formats import ImageFormat, to_unit
from ganaug.images.layouts import from_rows
from ganaug.images.loading import Loaded, load_new, load_training
from ganaug.images.policy import Policy
from ganaug.images.reading import LoadReport
from ganaug.images.records import (
    FileRecords,
    ImageRecords,
    check_labels,
    code_labels,
    decode_labels,
    from_list,
    learn_classes,
    to_list,
)


class ImageEncoder(TransformerMixin, BaseEstimator):
    """Turn images, in any form in which people have them, into numbers, and numbers back into images.

    Images are arrays of shape (n, height, width), (n, height, width, channels) or (n, channels, height, width); rows
    of pixels (with ``image_size``); a list of paths; or a folder, whose sub-folders are the classes. What comes back
    has the layout, the dtype and the range of what went in; files come back as (n, height, width, channels) of uint8,
    or of uint16 if all of them are 16-bit grey; a frame of pixels as an array.

    Parameters
    ----------
    image_size : int, (int, int) or None, default=None
        Height and width to learn, 8 to 256 pixels. None takes the size that all images have.
    resize : "error", "stretch", "crop" or "pad", default="error"
        What to do with images of another size than ``image_size``: refuse them; scale each side by itself; scale to
        the shorter side and cut the longer one, around the center; or scale to the longer side and fill with black,
        or transparency.
    color : "auto", "grey", "rgb" or "rgba", default="auto"
        What files become. "auto" is the least that holds all of them: grey if no pixel of any file has a color.
        Where transparency has to go, it is laid on white.
    layout : "auto", "NHWC", "NCHW" or "NHW", default="auto"
        Order of an array's axes. "auto" takes the axis that is 1, 3 or 4 long for the channels.
    value_range : "auto" or (float, float), default="auto"
        The values that stand for black and white. "auto" is the dtype's range for whole numbers ([0, 255] for all
        but uint16 and bool), and [0, 1] for floats, or [-1, 1] if some are negative.
    on_unreadable : "raise" or "skip", default="raise"
        What to do about files that are no images or damaged ones: name them all in an error, or leave them out with
        a warning.
    memory_limit : int, default=2**30
        Bytes of decoded files to keep in memory. Larger sets are decoded anew whenever they are needed.

    Attributes
    ----------
    format_ : ImageFormat
        Size, channels, layout, dtype and range of the images.
    classes_ : ndarray or None
        The sorted classes, or None if there were no labels.
    report_ : LoadReport
        What was loaded; ``print`` it.

    Examples
    --------
    >>> import numpy as np
    >>> from ganaug.images.encoder import ImageEncoder
    >>> images = np.arange(128, dtype=np.uint8).reshape(2, 8, 8)
    >>> encoder = ImageEncoder().fit(images, ["cat", "dog"])
    >>> print(encoder.report_)
    2 images of 8 x 8 pixels, 1 channel, uint8 in [0, 255], from an array.
    Classes: cat (1), dog (1).
    >>> tensor = encoder.encode(images)  # what networks see
    >>> tensor.shape, tensor[0, 0, 0, 0].item()
    (torch.Size([2, 1, 8, 8]), -1.0)
    >>> bool((encoder.decode(tensor) == images).all())
    True
    >>> encoder.transform(images).shape  # rows of pixels in [0, 1], for scikit-learn
    (2, 64)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "image_size": [Interval(Integral, 1, None, closed="left"), tuple, list, None],
        "resize": [StrOptions({"error", "stretch", "crop", "pad"})],
        "color": [StrOptions({"auto", "grey", "rgb", "rgba"})],
        "layout": [StrOptions({"auto", "NHWC", "NCHW", "NHW"})],
        "value_range": [StrOptions({"auto"}), tuple, list],
        "on_unreadable": [StrOptions({"raise", "skip"})],
        "memory_limit": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        image_size: int | Sequence[int] | None = None,
        resize: str = "error",
        color: str = "auto",
        layout: str = "auto",
        value_range: str | Sequence[float] = "auto",
        on_unreadable: str = "raise",
        memory_limit: float = 2**30,
    ) -> None:
        self.image_size = image_size
        self.resize = resize
        self.color = color
        self.layout = layout
        self.value_range = value_range
        self.on_unreadable = on_unreadable
        self.memory_limit = memory_limit

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the form of images.

        Parameters
        ----------
        X : array-like, list of paths, or path of a folder
            The images.
        y : array-like of shape (n_images,), optional
            Their classes. A folder brings its own.

        Returns
        -------
        self
        """
        self.learn(X, y)
        return self

    def learn(
        self, X: Any, y: Any = None, on_file: Callable[[int, int], None] | None = None
    ) -> ImageRecords | FileRecords:
        """Learn the form of images, and return them as records to train on; ``on_file`` is told the progress."""
        self._validate_params()
        if y is not None and isinstance(X, str | os.PathLike):
            raise InvalidInputError(
                "y was given together with a folder, whose sub-folders are the classes. Give a list of paths with y."
            )
        loaded = load_training(X, Policy.of(self), on_file)
        labels = loaded.folders if y is None else check_labels(y, loaded.n_given)
        self.format_, self.report_ = loaded.image_format, loaded.report
        self.classes_: np.ndarray | None = None
        codes = None if labels is None else self._learn_classes(labels, loaded)
        limits = self.format_.low, self.format_.high
        if isinstance(loaded.pixels, np.ndarray):
            return ImageRecords(loaded.pixels, *limits, codes)
        return FileRecords(loaded.pixels, *limits, codes)

    def _learn_classes(self, labels: np.ndarray, loaded: Loaded) -> Tensor:
        labels = labels if loaded.kept is None else labels[loaded.kept]
        self.classes_, codes = learn_classes(labels)
        counts = torch.bincount(codes, minlength=len(self.classes_)).tolist()
        self.report_.classes = dict(zip(to_list(self.classes_), counts, strict=True))
        return codes

    def encode(self, X: Any) -> Tensor:
        """Return images as float32 of shape (n, channels, height, width) in [-1, 1].

        Parameters
        ----------
        X : array-like, list of paths, or path of a folder
            Images of the size and the channels that ``fit`` was given. Another layout will do if it is clear, and
            bytes where ``fit`` was given floats in [0, 1]: they are taken as in [0, 255].

        Returns
        -------
        Tensor
        """
        pixels, limits = self._load(X)
        return torch.from_numpy(to_unit(pixels, *limits))

    def decode(self, images: Tensor | np.ndarray) -> np.ndarray:
        """Return images of shape (n, channels, height, width) in [-1, 1] as ``fit`` was given them."""
        check_is_fitted(self)
        unit = images.detach().float().cpu().numpy() if isinstance(images, Tensor) else np.asarray(images)
        wanted = (self.format_.channels, *self.format_.size)
        if unit.ndim != 4 or unit.shape[1:] != wanted:
            raise InvalidInputError(
                f"images has the shape {unit.shape}; it must be (n, {', '.join(map(str, wanted))})."
            )
        return self.format_.restore(unit)

    def encode_labels(self, y: Any) -> Tensor:
        """Return classes as indices in ``classes_``."""
        check_is_fitted(self)
        return code_labels(check_labels(y), self._known_classes())

    def decode_labels(self, indices: Any) -> np.ndarray:
        """Return the classes at ``indices``."""
        check_is_fitted(self)
        return decode_labels(indices, self._known_classes())

    def _known_classes(self) -> np.ndarray:
        if self.classes_ is None:
            raise InvalidInputError(
                "fit was given no labels, so there are no classes. Fit with y, or with a folder of one sub-folder per "
                "class."
            )
        return self.classes_

    def transform(self, X: Any) -> np.ndarray:
        """Return each image as a row of pixels in [0, 1], in the order of ``get_feature_names_out``.

        Parameters
        ----------
        X : array-like, list of paths, or path of a folder
            As for ``encode``.

        Returns
        -------
        ndarray of shape (n_images, height * width * channels)
        """
        pixels, (low, high) = self._load(X)
        if self.format_.layout != "NCHW":
            pixels = pixels.transpose(0, 2, 3, 1)
        rows = pixels.reshape(len(pixels), -1).astype(np.float64)
        return np.clip((rows - low) / (high - low), 0, 1)

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Return rows of pixels in [0, 1] as images, as ``fit`` was given them.

        Parameters
        ----------
        X : array-like of shape (n_images, height * width * channels)

        Returns
        -------
        ndarray
        """
        check_is_fitted(self)
        rows = np.asarray(X, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != self.format_.n_values:
            raise InvalidInputError(f"X has the shape {rows.shape}; it must be (n, {self.format_.n_values}).")
        images = from_rows(rows, self.format_.size, self.format_.channels, self.format_.layout)
        return self.format_.restore(images * 2 - 1)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return names like ``pixel_0_27``: row, column and, unless grey, channel."""
        check_is_fitted(self)
        height, width = self.format_.size
        ends = ("",) if self.format_.channels == 1 else ("_red", "_green", "_blue", "_alpha")[: self.format_.channels]
        places = [f"pixel_{row}_{column}" for row in range(height) for column in range(width)]
        if self.format_.layout == "NCHW":
            return np.array([place + end for end in ends for place in places], dtype=object)
        return np.array([place + end for place in places for end in ends], dtype=object)

    def _load(self, X: Any) -> tuple[np.ndarray, tuple[float, float]]:
        check_is_fitted(self)
        return load_new(X, self.format_, Policy.of(self))

    def to_state(self) -> dict[str, Any]:
        """Return plain values from which ``from_state`` builds the same encoder: no pixel, and no file's name."""
        check_is_fitted(self)
        classes = None if self.classes_ is None else to_list(self.classes_)
        dtype = None if self.classes_ is None else str(self.classes_.dtype)
        fitted = {"format": asdict(self.format_), "report": asdict(self.report_) | {"skipped": {}}}
        return {"params": self.get_params(deep=False), "classes": classes, "classes_dtype": dtype} | fitted

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Undo ``to_state``."""
        encoder = cls(**state["params"])
        encoder.format_ = ImageFormat(**state["format"])
        encoder.report_ = LoadReport(**state["report"])
        encoder.classes_ = None
        if state["classes"] is not None:
            encoder.classes_ = from_list(state["classes"], state["classes_dtype"])
        return encoder

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags
