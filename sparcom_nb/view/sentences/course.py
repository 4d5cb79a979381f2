"""What the first two notebooks say: right answers, and what the rows are like."""

import pandas as pd


def answers(table: pd.DataFrame, judged: int) -> str:
    """Compare the shares of right answers; ``table`` has member, mean, low, high (all categories)."""
    if judged == 0:
        return (
            "None of these rows can be judged without reading: no share of right answers is given."
        )
    said = [
        f"**{row['member']}** answers {row['mean']:.0%} rightly "
        f"(95 % interval {row['low']:.0%} to {row['high']:.0%})"
        for row in table.to_dict("records")
    ]
    text = "; ".join(said) + f", of {judged:,} rows that a rule can judge. "
    if len(table) < 2:
        return text + "The other member is not on this machine."
    base, tuned = table.to_dict("records")
    if tuned["low"] > base["high"]:
        return (
            text + "Tuning made the model answer; the rest of this suite asks what changed inside."
        )
    return text + "By this measure tuning made no clear difference."


def length_leak(guess: dict[str, float], n_categories: int) -> str:
    """Say whether the category can be told from the length."""
    text = (
        f"From the number of tokens alone, a guess is right for {guess['accuracy']:.0%} of the rows; "
        f"chance is {1 / n_categories:.0%}, and permuted lengths reach {guess['null_high']:.0%} in "
        f"95 % of cases (p = {guess['p']:.3f}). "
    )
    if guess["p"] > 0.05:
        return text + "Length gives the category away no better than chance."
    return text + (
        "Length says something about the category, so a comparison of categories must control for it."
    )


def nearest_wording(nearest: pd.Series) -> str:
    """Describe how much of its phrasing a row shares with the nearest other row."""
    return (
        f"{(nearest == 0).mean():.0%} of the rows share no five words in a row with another row of "
        f"their category; the largest overlap of any two is {nearest.max():.2f}."
    )
