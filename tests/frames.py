"""Tables that must be the same, to the last bit."""

import pandas as pd


def assert_same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """Compare exactly, and in time: pandas' own assertion takes each cell of a column of categories by itself."""
    if not one.equals(other) or list(one.columns) != list(other.columns):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
        raise AssertionError("tables differ")
