"""sparcom_nb."""
