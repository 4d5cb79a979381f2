"""The one exception for input that the user can mend."""


class InputError(ValueError):
    """Wrong input: one sentence that names the file, line, field or value, and says the mend.

    The command line prints it as one line and leaves with exit code 2.
    """
