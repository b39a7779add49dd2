"""Sphinx settings of the documentation; ``build.py`` assembles what it builds."""

from typing import Any

from lambdasim.version import __version__

project = "lambdasim"
author = "The lambdasim developers"
copyright = author
release = version = __version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["conf.py"]
html_theme = "furo"
html_title = "lambdasim"
html_static_path: list[str] = []
html_extra_path = ["extra"]
smartquotes = False
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4
nb_execution_mode = "off"  # notebooks are executed where they are built, each time they change
nb_mime_priority_overrides = [("html", "application/vnd.lambdasim.what-if+json", None)]
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
suppress_warnings = ["ref.python"]  # names of attributes that several classes have


def _escape(app: object, what: str, name: str, found: object, options: object, lines: list[str]) -> None:
    """Take asterisks of docstrings, such as those of cron(...), as they stand."""
    for number, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            parts = line.split("``")
            parts[::2] = [part.replace("*", "\\*") for part in parts[::2]]
            lines[number] = "``".join(parts)


def setup(app: Any) -> None:
    """Look at docstrings before napoleon does."""
    app.connect("autodoc-process-docstring", _escape, priority=100)
