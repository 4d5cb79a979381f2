"""What an executed notebook said."""

import nbformat


def told(path):
    """All sentences that a notebook told, in their Markdown."""
    cells = nbformat.read(path, as_version=4).cells
    shown = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    sentences = [
        d for d in shown if d.get("text/html", "").startswith('<div class="mathjax_ignore"><')
    ]
    return "\n".join(data["text/plain"] for data in sentences)
