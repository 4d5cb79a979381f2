"""The synthetic mini-world and the small models trained on it."""
