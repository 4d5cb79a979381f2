"""A control shows what it chooses, at once, and token text cannot become markup."""

import time

import matplotlib.pyplot as plt
import pandas as pd

from sparcom_nb.view.widgets import choose


def draw(n):
    fig, axes = plt.subplots()
    axes.plot(range(n + 2))
    return fig, f"line {n}"


def test_the_slider_shows_the_chosen_picture_at_once():
    box = choose(draw, [(str(n), n) for n in range(4)], 1, "n")
    control, picture = box.children
    assert 'alt="line 1"' in picture.value
    began = time.perf_counter()
    control.value = 3
    assert time.perf_counter() - began < 0.2
    assert 'alt="line 3"' in picture.value
    assert not plt.get_fignums()


def test_a_table_is_escaped():
    table = pd.DataFrame({"text": ["<script>alert(1)</script>"]})
    box = choose(lambda _: table, [("a", 0)], 0, "row", slider=False)
    assert "<script>" not in box.children[1].value
