"""Pictures of tables: each draws what a table holds, on the axes given, and returns them."""

from lambdasim.door import opened

__all__, __getattr__, __dir__ = opened(__name__, __file__)
