"""The parts of an image's score, and maps of where it is odd, before they are scaled. Higher = odder."""

import copy

import numpy as np
import torch
from torch import Tensor

from ganaug.anomaly.image_game import ImageLadderGame, expected_level
from ganaug.anomaly.image_network import N_FEATURES, ImageJudge
from ganaug.anomaly.image_places import Places, Recognizer, cut_patches, find_centers
from ganaug.images.asking import in_blocks

WHOLE = ("level", "orientation", "feature")
LOCAL = ("place", "pixel", "defect")
"""Parts that are the greatest value of a map."""
PARTS = (*WHOLE, *LOCAL)
_SHRINKAGE = 0.1
"""Towards a ball, of the features' covariance."""
_TINY = 1e-9

Views = dict[str, np.ndarray]
"""Values by part: (n,), or maps (n, rows, columns)."""
State = dict[str, np.ndarray]


class Answers:
    """What one member of the discriminator has said of images, before it is compared with what is normal.

    Parameters
    ----------
    level, orientation : Tensor of shape (n,)
        Expected level of corruption; surprise about how the image is turned, over all ways of turning it.
    features : Tensor of shape (n, orientations, N_FEATURES)
    defect : Tensor of shape (n, rows, columns)
    places : Tensor of shape (n, channels, rows, columns)
    """

    def __init__(self, level: Tensor, orientation: Tensor, features: Tensor, defect: Tensor, places: Tensor) -> None:
        self.level, self.orientation, self.features = level, orientation, features
        self.defect, self.places = defect, places

    def take(self, rows: Tensor) -> "Answers":
        """Return the answers on some of the images."""
        return Answers(**{name: some[rows] for name, some in vars(self).items()})


class Panel:
    """The members of a game, asked one by one; on the CPU and in float32.

    Parameters
    ----------
    game : ImageLadderGame
    """

    def __init__(self, game: ImageLadderGame) -> None:
        members = copy.deepcopy(game.discriminator).cpu().float().eval()
        self.members = [member for member in members if isinstance(member, ImageJudge)]
        self.ways = game.ways

    def __len__(self) -> int:
        return len(self.members)

    def ask(self, number: int, images: Tensor) -> Answers:
        """Return what a member says of images (n, channels, height, width), turned in all ways."""
        member, (rows, columns) = self.members[number], self.members[number].n_places

        def look(block: Tensor) -> Tensor:
            opinions = [member(way(block)) for way in self.ways]
            surprises = [-opinion.orientation.log_softmax(1)[:, place] for place, opinion in enumerate(opinions)]
            upright = opinions[0]
            whole = torch.stack([expected_level(upright.level), torch.stack(surprises).mean(dim=0)], dim=1)
            features = [opinion.features for opinion in opinions]
            return torch.cat([whole, *features, upright.defect.flatten(1), upright.places.flatten(1)], dim=1)

        n_features, n_places = N_FEATURES * len(self.ways), rows * columns
        found = in_blocks(look, images).split_with_sizes([2, n_features, n_places, n_places * member.n_place_values], 1)
        return Answers(
            found[0][:, 0],
            found[0][:, 1],
            found[1].unflatten(1, (len(self.ways), -1)),
            found[2].unflatten(1, (rows, columns)),
            found[3].unflatten(1, (-1, rows, columns)),
        )

    def features(self, number: int, images: Tensor) -> Tensor:
        """Return a member's features (n, N_FEATURES) of images as they are."""
        return in_blocks(lambda block: self.members[number](block).features, images)

    def places(self, number: int, images: Tensor) -> Tensor:
        """Return what a member sees at each place, (n, channels, rows, columns)."""
        return in_blocks(lambda block: self.members[number](block).places, images)


class ImageJudges:
    """What judges images: members, normal features, and references (or centers) at each place.

    Parameters
    ----------
    panel : Panel
    state : dict of ndarray
        What ``learn`` found.
    """

    def __init__(self, panel: Panel, state: State) -> None:
        self.panel, self.state = panel, state
        self.middle, self.factor = (torch.from_numpy(state[f"feature_{name}"]) for name in ("middle", "factor"))
        self.spread, self.recognizer = torch.from_numpy(state["place_spread"]), None
        if "memory" in state:
            memory = torch.from_numpy(state["memory"])
            self.recognizer, self.pixels = Recognizer(memory), Places(cut_patches(memory)[0])
            seen = [panel.places(number, memory) for number in range(len(panel))]
            self.places = [Places(_as_vectors(*some)) for some in zip(seen, self.spread, strict=True)]
        else:
            self.pixels = Places(torch.from_numpy(state["pixel_centers"]))
            self.places = [Places(centers) for centers in torch.from_numpy(state["place_centers"])]

    @classmethod
    def learn(
        cls, panel: Panel, images: Tensor, answers: list[Answers], memory_size: int | None, rng: torch.Generator
    ) -> "ImageJudges":
        """Learn what is normal.

        Parameters
        ----------
        panel : Panel
        images : Tensor of shape (n, channels, height, width)
        answers : list of Answers
            Of each member, on those of the images that it has learned from.
        memory_size : int or None
            Images to keep as references; None keeps none, but means of clusters of patches.
        rng : torch.Generator
        """
        gaussians = [[_fit_gaussian(points) for points in some.features.unbind(1)] for some in answers]
        middle, factor = (torch.stack([torch.stack(some) for some in found]) for found in _unzip(gaussians))
        spread = torch.stack([some.places.std(dim=(0, 2, 3)) + 1e-3 for some in answers])
        state = {"feature_middle": middle.numpy(), "feature_factor": factor.numpy(), "place_spread": spread.numpy()}
        if memory_size is not None:
            chosen = torch.randperm(len(images), generator=rng)[:memory_size].sort().values
            return cls(panel, state | {"memory": images[chosen].numpy()})
        centers = [find_centers(_as_vectors(some.places, spread[k]), rng) for k, some in enumerate(answers)]
        n_centers = min(len(some[0]) for some in centers)  # members know different numbers of images
        state["place_centers"] = torch.stack([some[:, :n_centers] for some in centers]).numpy()
        return cls(panel, state | {"pixel_centers": find_centers(cut_patches(images)[0], rng).numpy()})

    def judge(self, images: Tensor, members: np.ndarray | None = None) -> tuple[Views, Views]:
        """Return the parts of each image, and maps of the local ones.

        Parameters
        ----------
        images : Tensor of shape (n, channels, height, width)
        members : ndarray of shape (n,), optional
            The member that is to judge each image alone, since it has never seen it. Without it, all of them judge.
        """
        own = self._find_own(images)
        pixel = self._judge_pixels(images, own)
        if members is None:
            every = [self.weigh(number, self.panel.ask(number, images), own) for number in range(len(self.panel))]
            return gather(every, pixel)
        every = []
        for number in range(len(self.panel)):
            rows = np.flatnonzero(members == number)
            views = self.weigh(number, self.panel.ask(number, images[rows]), own[rows])
            every.append({name: _spread_out(view, rows, len(images)) for name, view in views.items()})
        return gather(every, pixel, members)

    def judge_answers(self, images: Tensor, answers: list[Answers]) -> tuple[list[Views], np.ndarray]:
        """Return what ``gather`` takes: the views of each member, from its answers on all images, and pixels."""
        own = self._find_own(images)
        every = [self.weigh(number, some, own) for number, some in enumerate(answers)]
        return every, self._judge_pixels(images, own)

    def weigh(self, number: int, answers: Answers, own: Tensor) -> Views:
        """Return the parts and maps that come from one member."""

        def measure(features: Tensor, places: Tensor, own: Tensor) -> Tensor:
            gap = torch.einsum("nwf,wfg->nwg", features.double() - self.middle[number], self.factor[number])
            near = self.places[number].nearest(_as_vectors(places, self.spread[number]), own)
            return torch.cat([gap.square().sum(dim=(1, 2))[:, None], near.double()], dim=1)

        found = in_blocks(measure, answers.features, answers.places, own)
        return {
            "level": answers.level.double().numpy(),
            "orientation": answers.orientation.double().numpy(),
            "feature": found[:, 0].numpy(),
            "place": found[:, 1:].unflatten(1, answers.places.shape[2:]).numpy(),
            "defect": answers.defect.double().numpy(),
        }

    def _find_own(self, images: Tensor) -> Tensor:
        """Return which reference each image is itself, or -1."""
        return torch.full((len(images),), -1) if self.recognizer is None else self.recognizer.find(images)

    def _judge_pixels(self, images: Tensor, own: Tensor) -> np.ndarray:
        def look(block: Tensor, own: Tensor) -> Tensor:
            patches, shape = cut_patches(block)
            nearest: Tensor = self.pixels.nearest(patches, own).unflatten(1, shape)
            return nearest

        found: np.ndarray = in_blocks(look, images, own).double().numpy()
        return found


def gather(every: list[Views], pixel: np.ndarray, members: np.ndarray | None = None) -> tuple[Views, Views]:
    """Return parts and maps: the mean of all members' views, or for each image those of the member named."""
    found: Views = {"pixel": pixel}
    for name in every[0]:
        views = np.stack([some[name] for some in every])
        found[name] = views.mean(axis=0) if members is None else views[members, np.arange(len(members))]
    maps = {name: found[name] for name in LOCAL}
    return {name: found[name].max(axis=(1, 2)) if name in LOCAL else found[name] for name in PARTS}, maps


def _spread_out(view: np.ndarray, rows: np.ndarray, n_rows: int) -> np.ndarray:
    spread = np.zeros((n_rows, *view.shape[1:]))
    spread[rows] = view
    return spread


def _as_vectors(places: Tensor, spread: Tensor) -> Tensor:
    """Return (places, n, values) of (n, values, rows, columns), each value by its spread."""
    vectors: Tensor = (places / spread[None, :, None, None]).flatten(2).permute(2, 0, 1).contiguous()
    return vectors


def _fit_gaussian(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return the mean, and a factor that makes deviations from it white."""
    points = features.double()
    covariance = torch.cov(points.T)
    covariance += (_SHRINKAGE * covariance.diagonal().mean() + _TINY) * torch.eye(len(covariance), dtype=points.dtype)
    values, vectors = torch.linalg.eigh(covariance)
    return points.mean(dim=0), vectors / values.clamp_min(_TINY).sqrt()


def _unzip(pairs: list[list[tuple[Tensor, Tensor]]]) -> tuple[list[list[Tensor]], list[list[Tensor]]]:
    return [[first for first, _ in some] for some in pairs], [[second for _, second in some] for some in pairs]
