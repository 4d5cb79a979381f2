"""What frequencies, sets and overlaps say."""

from typing import Any

from sparcom_nb.view.prose import evidence, interval


def separation(test: dict[str, Any]) -> str:
    """Say whether instructions of one category share components, with the control."""
    return (
        f"Within {test['within']:.3f}, across {test['across']:.3f}: a gap of "
        f"{interval(test['difference'], test['low'], test['high'], 3)}. Permuted labels give "
        f"{test['null_mean']:.3f} on average and at most {test['null_high']:.3f} in 95 % of "
        f"{test['draws']} permutations of the {test['units']} {test['unit']}s (p = {test['p']:.3f}). "
        f"**A category effect {evidence(test['p'], test['low'], test['null_mean'])}.**"
    )
