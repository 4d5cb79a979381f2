"""What a result says, in a few sentences, a file a notebook: every number comes in as an argument.

Kept apart from the notebooks so that the wording can be tested, on labels shuffled at random too.
"""
