"""The modules of ``data/miniworld/build``, a folder of programs and no package."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "miniworld" / "build"))

import documents
import facts
import passages
import rows
import running
import tasks
import words

__all__ = ["documents", "facts", "passages", "rows", "running", "tasks", "words"]
