"""A notebook executed in a fresh kernel, with nothing in it that another execution would not give."""

from __future__ import annotations

import base64
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lambdasim.errors import InputError
from lambdasim.report.notebook.packages import needed_packages
from lambdasim.wording import printable

if TYPE_CHECKING:
    from nbformat import NotebookNode

_BACKEND: Final = "module://matplotlib_inline.backend_inline"
_WARNING: Final = re.compile(r"^.*?\b(\w*Warning): (.*)$", re.MULTILINE)
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
_BY_CHANCE: Final = re.compile(
    r"""\bid=["'][\w-]*?([0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\bT_[0-9a-f]{5})(?![0-9a-f])"""
)
"""The part of an element's name that is drawn by chance."""
_TIMEOUT_S: Final = 3600
_METADATA: Final = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def executed(notebook: NotebookNode, folder: Path, name: str, timeout_s: int = _TIMEOUT_S) -> NotebookNode:
    """Run a notebook's cells in a fresh kernel of this Python.

    Parameters
    ----------
    notebook : NotebookNode
        Is changed: its cells get outputs, numbers and plain metadata.
    folder : Path
        Where the kernel works; paths in the notebook are relative to it.
    name : str
        For errors.
    timeout_s : int
        For each cell [s].

    Returns
    -------
    NotebookNode
        The same. Of warnings their text is kept alone, and pictures say neither program nor time.

    Raises
    ------
    InputError
        When a cell fails, or a package is missing.
    """
    with needed_packages(name):
        import ipykernel  # noqa: F401 - the kernel's own process needs it
        from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
        from jupyter_client.manager import AsyncKernelManager
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, CellTimeoutError
        from nbformat import from_dict

    class ThisPython(KernelSpecManager):
        """Knows one kernel: that of the Python which runs, whatever the user has installed under its name."""

        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            launch = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=launch, display_name="Python 3", language="python")

    _plain(notebook)
    # Profile and history of the person at the keyboard stay out.
    with tempfile.TemporaryDirectory() as private:
        manager: Any = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=ThisPython())
        if sys.platform != "win32":  # sockets in a private folder, not open to the machine's other users
            manager.transport, manager.ip = "ipc", str(Path(private) / "kernel")
        resources = {"metadata": {"path": str(folder)}}
        client = NotebookClient(
            notebook, km=manager, timeout=timeout_s, record_timing=False, resources=resources
        )
        set_here = {"IPYTHONDIR": private, "PYTHONHASHSEED": "0", "MPLBACKEND": _BACKEND}
        try:
            client.execute(cleanup_kc=True, env=os.environ | set_here)
        except CellTimeoutError:
            raise InputError.single(name, "", f"a cell took longer than {timeout_s:,} s") from None
        except RuntimeError:  # nbclient's, and that of a kernel which dies before its first answer
            raise InputError.single(name, "", "its kernel died: not enough memory, perhaps") from None
        except CellExecutionError as error:
            said = printable(_COLOUR.sub("", f"{error.ename}: {error.evalue}"))
            where = next(
                (number for number, cell in enumerate(notebook.cells, start=1) if _failed(cell)), "?"
            )
            raise InputError.single(name, f"cell {where}", f"fails: {said}") from None
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [from_dict(output) for output in _lasting(cell.outputs)]
    notebook.metadata = from_dict(_METADATA)
    return notebook


def _plain(notebook: NotebookNode) -> None:
    """Give cells numbers, and drop what other programs and earlier executions left."""
    from nbformat import NotebookNode

    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number:02}"
        cell.metadata = NotebookNode({"tags": cell.metadata["tags"]} if cell.metadata.get("tags") else {})
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = NotebookNode()


def _failed(cell: NotebookNode) -> bool:
    return any(output.get("output_type") == "error" for output in cell.get("outputs", ()))


def _lasting(outputs: list[Any]) -> list[dict[str, Any]]:
    """Keep of outputs what another execution gives as well."""
    kept = []
    for output in outputs:
        if output.get("name") == "stderr":
            said = dict.fromkeys(f"{kind}: {text}" for kind, text in _WARNING.findall(output["text"]))
            if said:
                kept.append({**output, "text": "".join(f"{line}\n" for line in said)})
            continue
        if picture := output.get("data", {}).get("image/png"):
            bare = without_text(base64.b64decode(picture))
            output["data"]["image/png"] = base64.b64encode(bare).decode() + "\n"
        if page := output.get("data", {}).get("text/html"):
            output["data"]["text/html"] = _named(page)
        kept.append(output)
    return kept


def _named(page: str) -> str:
    """Give elements that a program named by chance, as Altair, Plotly and pandas' Styler do, names by their order."""
    for number, name in enumerate(dict.fromkeys(_BY_CHANCE.findall(page)), start=1):
        kept = "T_" if name.startswith("T_") else ""
        page = page.replace(name, f"{kept}{number:0{len(name) - len(kept)}}")
    return page


def without_text(png: bytes) -> bytes:
    """Leave out of a PNG what tells the program and the time of its making.

    Parameters
    ----------
    png : bytes

    Returns
    -------
    bytes
    """
    kept, place = [png[:8]], 8
    while place < len(png):
        length = 12 + int.from_bytes(png[place : place + 4], "big")
        if png[place + 4 : place + 8] not in (b"tEXt", b"zTXt", b"iTXt", b"tIME"):
            kept.append(png[place : place + length])
        place += length
    return b"".join(kept)
