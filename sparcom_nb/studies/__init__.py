"""One module a notebook: rows and models in, findings and tables out."""
