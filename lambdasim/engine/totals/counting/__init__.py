"""How attempts are counted: from records, or in the step of the compiled engine that decides on them."""
