"""Reading the category of an instruction from frequencies, without training anything.

Every category is the mean of its instructions' frequencies, and an instruction belongs to the
nearest mean (nearest centroid, Euclidean). Its own sub-type is left out of the means, so that it has
to be recognised by other tasks of its category, not by its wording.
"""

import numpy as np


class Centroids:
    """Inner products of instructions and sub-types: all that distances to centroids are made of.

    Args:
        x: [instruction, ...].
        index: sub-type of every instruction.
    """

    def __init__(self, x: np.ndarray, index: np.ndarray) -> None:
        x = x.reshape(len(x), -1).astype(float)
        self.index, self.size = index, np.bincount(index).astype(float)
        sums = np.eye(len(self.size))[index].T @ x
        self.rows = x @ sums.T  # [instruction, unit]
        self.units = sums @ sums.T  # [unit, unit]

    def guess(self, category: np.ndarray) -> np.ndarray:
        """Nearest category [instruction], for any categories of the units: index [unit]."""
        member = np.eye(category.max() + 1)[category]
        own = member[self.index]
        size = (self.size @ member)[None, :] - own * self.size[self.index][:, None]
        sums = self.units @ member
        norm = np.einsum("uc,uc->c", member, sums)[None, :] - own * (
            2 * sums[self.index] - np.diag(self.units)[self.index][:, None]
        )
        along = self.rows @ member
        along -= own * np.take_along_axis(self.rows, self.index[:, None], axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            distance = norm / size**2 - 2 * along / size
        return np.nanargmin(distance, axis=1)
