"""Pages of the report: notebook to self-contained HTML, without a script or an outside request."""
