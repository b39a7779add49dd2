"""Pages that open without network: a run, a study, and what the terminal says of them."""
