"""Parts of pages about a run: a notebook shows them one by one, a page one below the other."""
