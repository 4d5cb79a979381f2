"""Pictures and widgets: the only part of the package that imports matplotlib or ipywidgets."""
