"""Class folders: images read with the names of their files, and written beside synthetic ones, all or nothing."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ganaug.augment.image_sets import ImageSet, make_encoder
from ganaug.exceptions import InvalidInputError
from ganaug.images import save_images
from ganaug.images.reading import find_files
from ganaug.images.records import ImageRecords

PREFIX = "synthetic"


@dataclass(frozen=True)
class ClassFolder:
    """The images of a folder, and their names below it, such as "cat/tom.png"."""

    path: Path
    names: list[str]
    images: ImageSet

    @classmethod
    def read(cls, folder: str | os.PathLike[str], gan: Any) -> "ClassFolder":
        """Read a folder of one sub-folder per class."""
        encoder = make_encoder(gan)
        records = encoder.learn(os.fspath(folder))
        if encoder.classes_ is None:
            raise InvalidInputError(
                f"folder={os.fspath(folder)!r} has images outside of sub-folders, so their classes aren't known. Put "
                "the images of each class into a sub-folder."
            )
        names = [name for name in find_files(os.fspath(folder)).names if name not in encoder.report_.skipped]
        synthetic = [name for name in names if Path(name).name.startswith(f"{PREFIX}-")]
        if synthetic:
            raise InvalidInputError(
                f"folder={os.fspath(folder)!r} holds {len(synthetic)} files such as {synthetic[0]!r}, which an earlier "
                "augment_folder has written: a GAN would learn from a GAN. Give the folder of real images."
            )
        assert isinstance(records, ImageRecords) and records.labels is not None  # there is no limit of memory
        pixels = np.ascontiguousarray(records.pixels.transpose(0, 2, 3, 1))
        images = ImageSet(pixels.astype(encoder.format_.dtype, copy=False), records.labels.numpy(), encoder)
        return cls(Path(folder).expanduser(), names, images)

    def write(self, output: Path, synthetic: ImageSet) -> None:
        """Copy the real images to ``output``, and put the synthetic ones of each class beside them."""
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".augmenting-", dir=output.parent) as aside:
            whole = Path(aside) / "whole"
            for name in self.names:
                target = whole / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self.path / name, target)
            for code, label in enumerate(self.images.encoder.classes_.tolist()):
                pixels = synthetic.pixels[synthetic.codes == code]
                if len(pixels):
                    save_images(pixels, whole / label, prefix=PREFIX)
            check_output(output, self.path)  # much time has passed
            whole.rename(output)


def check_output(output: str | os.PathLike[str], folder: str | os.PathLike[str]) -> Path:
    """Return where to write, or refuse a place that is taken or would be read as a class of ``folder``."""
    target, source = Path(output).expanduser(), Path(folder).expanduser()
    if os.path.lexists(target):
        raise InvalidInputError(f"output={os.fspath(output)!r} is there already. Give a new path, or remove it first.")
    if target.resolve().is_relative_to(source.resolve()):
        raise InvalidInputError(
            f"output={os.fspath(output)!r} lies inside folder={os.fspath(folder)!r}, and would be one of its classes. "
            "Give a path outside."
        )
    return target
