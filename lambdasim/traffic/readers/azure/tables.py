"""The tables beside the Azure Functions trace of 2019: execution times of functions, memory of applications.

References
----------
Azure/AzurePublicDataset on GitHub, ``AzureFunctionsDataset2019.md`` (revision 2), seen November 2026; data CC-BY, to be
cited as Shahrad et al., USENIX ATC 2020.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from lambdasim.errors import TraceError
from lambdasim.traffic.readers.azure.minute_counts import MOST_FUNCTIONS
from lambdasim.traffic.readers.cells import CountCell, NumberCell, TextCell
from lambdasim.traffic.readers.csv.table import Column, open_table
from lambdasim.traffic.readers.source import SourceFile
from lambdasim.traffic.report import ReadLog

if TYPE_CHECKING:
    import pandas as pd

_PERCENTILES: Final = {
    "percentile_Average_": (0, 1, 25, 50, 75, 99, 100),
    "AverageAllocatedMb_pct": (1, 5, 25, 50, 75, 95, 99, 100),
}


def read_azure_2019_durations(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read the execution times of a day of 2019: ``function_durations_percentiles.anon.dNN.csv``.

    Parameters
    ----------
    path : path-like
        CSV, plain or gzip; columns other than those below are ignored.

    Returns
    -------
    pandas.DataFrame
        One row for each function: ``HashOwner``, ``HashApp``, ``HashFunction``; ``Average`` [ms, without cold
        start]; ``Count`` of executions in it; ``Minimum`` and ``Maximum`` [ms], NaN where not recorded; and
        ``percentile_Average_`` 0, 1, 25, 50, 75, 99, 100 [ms], which are of averages over 30 s, weighted by
        their executions.

    Raises
    ------
    TraceError
        When the file is not such a table.

    Examples
    --------
    >>> read_azure_2019_durations("data/traffic/azure_2019_layout_durations.csv")["Average"].tolist()[:2]
    [100.0, 500.0]
    """
    return _table(
        path,
        {
            **dict.fromkeys(("HashOwner", "HashApp", "HashFunction"), TextCell(filled=True)),
            "Average": NumberCell(filled=True),
            "Count": CountCell(),
            **dict.fromkeys(("Minimum", "Maximum"), NumberCell()),
            **dict.fromkeys(_percentiles("percentile_Average_"), NumberCell(filled=True)),
        },
    )


def read_azure_2019_memory(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read the allocated memory of a day of 2019: ``app_memory_percentiles.anon.dNN.csv``.

    Parameters
    ----------
    path : path-like
        CSV, plain or gzip; columns other than those below are ignored.

    Returns
    -------
    pandas.DataFrame
        One row for each application, in which functions share memory: ``HashOwner``, ``HashApp``;
        ``SampleCount``; ``AverageAllocatedMb`` [MB, committed]; and ``AverageAllocatedMb_pct`` 1, 5, 25, 50, 75,
        95, 99, 100 [MB], which are of averages over a minute.

    Raises
    ------
    TraceError
        When the file is not such a table.

    Examples
    --------
    >>> read_azure_2019_memory("data/traffic/azure_2019_layout_memory.csv")["AverageAllocatedMb"].tolist()[:1]
    [120.0]
    """
    return _table(
        path,
        {
            **dict.fromkeys(("HashOwner", "HashApp"), TextCell(filled=True)),
            "SampleCount": CountCell(),
            "AverageAllocatedMb": NumberCell(filled=True),
            **dict.fromkeys(_percentiles("AverageAllocatedMb_pct"), NumberCell(filled=True)),
        },
    )


def _percentiles(prefix: str) -> tuple[str, ...]:
    return tuple(f"{prefix}{rank}" for rank in _PERCENTILES[prefix])


def _table(path: str | os.PathLike[str], cells: dict[str, TextCell | NumberCell | CountCell]) -> pd.DataFrame:
    import pandas as pd

    file = SourceFile.at(path)
    layout = tuple(Column(name, cell, (name.lower(),), required=True) for name, cell in cells.items())
    frames: list[pd.DataFrame] = []
    for chunk in open_table(file, layout).chunks(ReadLog()):
        frames.append(chunk.frame)
        if sum(map(len, frames)) > MOST_FUNCTIONS:
            raise TraceError.single(
                file.path, "", f"must have at most {MOST_FUNCTIONS:,} rows; split the file"
            )
    return pd.concat(frames, ignore_index=True)
