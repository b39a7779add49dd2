"""Files that finance uses: FOCUS, workbooks, usage files, a real bill beside ours, price lists.

Names load what they need when they are first used: a bill needs no reader of Parquet.
"""

from lambdasim.door import opened

__all__, __getattr__, __dir__ = opened(__name__, __file__)
