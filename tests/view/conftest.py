"""Every test of a picture begins without open figures, whatever ran before it in its process."""

import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def no_open_figures():
    plt.close("all")
