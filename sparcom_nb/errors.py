"""The one exception for input that the user can mend."""


class InputError(ValueError):
    """Wrong input: one sentence that names the file, line, field or value, and says the mend.

    The command line prints it as one line and leaves with exit code 2.
    """


def one_line(text: object, most: int = 300) -> str:
    """Text of others (a name, a library's words) as one line of at most ``most`` characters."""
    line = " ".join(str(text).split())
    if len(line) <= most:
        return line
    return f"{line[: most - most // 3 - 1]}…{line[-(most // 3) :]}"
