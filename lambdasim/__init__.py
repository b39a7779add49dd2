"""Cost and limit simulation of AWS Lambda, offline and repeatable.

``__init__.pyi``, beside this file, is the one table of public names: type checkers read it as it stands, and here each
name is loaded from the module that the table gives, when it is first used. So ``import lambdasim`` stays fast.
"""

from lambdasim.door import opened
from lambdasim.version import __version__ as __version__

__all__, __getattr__, __dir__ = opened(__name__, __file__)
