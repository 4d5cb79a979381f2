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
