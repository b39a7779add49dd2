"""The documentation: pages of this folder, notebooks, and a reference made from schema, commands and docstrings.

``python -m docs.build`` assembles them in ``out/docs-source`` and builds ``out/docs``; a warning is an error.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import typer.main

import lambdasim as ls
from docs.key_examples import WHOLE, key_examples
from docs.run import CommandFailedError, with_outputs
from lambdasim.cli import app
from lambdasim.cli.group import ORDER

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent
SOURCE: Final = ROOT / "out" / "docs-source"
EXECUTED: Final = ("tutorial",)
"""Pages beside the how-tos whose commands are run; Python of others runs as doctests."""
TARGET: Final = ROOT / "out" / "docs"
_NO_HOW_TO: Final = ("index.md", "validation.md", "benchmarks.md", "design.md", "scale.md", "api.md")
_OUTSIDE: Final = re.compile(r"\]\((?:\.\./|\./)?(?P<path>(?:\.\./)*[\w./-]+)(?P<anchor>#[\w-]*)?\)")
_SPOKEN: Final = re.compile(r"^```python\n(?=>>> )", re.MULTILINE)
_IN_BRACKETS: Final = re.compile(r"\[([^\]]{1,20})\]\.?$")
_UNITS: Final = {
    **{"ms": "ms", "mb": "MB", "kb": "KB", "gb": "GB", "usd": "USD", "bytes": "bytes", "per_s": "1/s"},
    **dict.fromkeys(("probability", "share"), "share of 1"),
}
_ENDING: Final = re.compile(rf"(?:^|_)({'|'.join(_UNITS)})$")
_TIME: Final = "(us|µs|ms|"
"""What the pattern of a time holds."""
_SECTIONS: Final = re.compile(r"\n +(Parameters|Returns|Raises|Notes|Examples|References|Attributes)\n")


def assembled() -> None:
    """Copy and generate every page."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    for folder in ("reference", "gallery", "howto", "extra"):
        (SOURCE / folder).mkdir(parents=True)
    shutil.copy(HERE / "conf.py", SOURCE)
    shutil.copytree(HERE / "pictures", SOURCE / "pictures")
    shutil.copy(HERE / "scenario.schema.json", SOURCE / "extra")
    for page in [*HERE.glob("*.md"), *(HERE / "howto").glob("*.md")]:
        text = page.read_text(encoding="utf-8")
        if page.parent.name == "howto" or page.stem in EXECUTED:
            text = with_outputs(text, page.name)
        text = _SPOKEN.sub("```pycon\n", text)
        place = SOURCE / page.relative_to(HERE)
        place.write_text(_links(text, page.parent), encoding="utf-8")
    (SOURCE / "index.md").write_text(assembled_text("index.md"), encoding="utf-8")
    titles = []
    for notebook in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        titles.append(_notebook(notebook))
    (SOURCE / "gallery" / "index.md").write_text(_gallery(titles), encoding="utf-8")
    (SOURCE / "reference" / "scenario.md").write_text("\n".join(schema_page()), encoding="utf-8")
    (SOURCE / "reference" / "commands.md").write_text("\n".join(command_page()), encoding="utf-8")
    (SOURCE / "reference" / "python.md").write_text("\n".join(python_page()), encoding="utf-8")


def assembled_text(name: str) -> str:
    """Return a page; pages that no table of contents names stand in its last part but one."""
    text = (HERE / name).read_text(encoding="utf-8")
    named = [re.search(rf"^{page.stem}$", text, re.MULTILINE) for page in sorted(HERE.glob("*.md"))]
    pairs = zip(sorted(HERE.glob("*.md")), named, strict=True)
    rest = [page.stem for page, found in pairs if found is None and page.name != name]
    return text.replace("\nglossary\n", "\n".join(["", *rest, "glossary", ""]))


def _links(text: str, folder: Path) -> str:
    """Turn links to files outside of the documentation into the names of those files."""

    def inside(found: re.Match[str]) -> str:
        path = found["path"]
        if path.startswith("http") or "://" in found[0]:
            return found[0]
        target = (folder / path).resolve()
        if path == "scenario.schema.json":
            return "](reference/scenario.md)"
        if target.suffix == ".md" and (target.parent == HERE.resolve() or HERE.resolve() in target.parents):
            return found[0]
        if HERE.resolve() in target.parents and target.suffix == ".png":
            return found[0]
        generated = ("reference/", "gallery/")
        return found[0] if any(part in path for part in generated) else "](https://example.invalid)"

    shown = _OUTSIDE.sub(inside, text)
    return re.sub(r"\[([^\]]*)\]\(https://example\.invalid\)", r"`\1`", shown)


def _notebook(path: Path) -> tuple[str, str, str]:
    """Copy a notebook; give its name, title and question."""
    content = json.loads(path.read_text(encoding="utf-8"))
    first = "".join(content["cells"][0]["source"]).strip().split("\n\n")
    title, question = first[0].lstrip("# "), " ".join(" ".join(first[1:]).split())
    picture = next(_pictures(content), None)
    if picture is not None:
        import base64

        (SOURCE / "gallery" / f"{path.stem}.png").write_bytes(base64.b64decode(picture))
    shutil.copy(path, SOURCE / "gallery")
    return path.stem, title, question


def _pictures(content: dict[str, Any]) -> Iterator[str]:
    for cell in content["cells"]:
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", {}):
                yield "".join(output["data"]["image/png"])


def _gallery(titles: list[tuple[str, str, str]]) -> str:
    lines = ["# Gallery", "", "Each notebook opens with a question and ends with its answer.", ""]
    for stem, title, question in titles:
        lines += [f"## [{title}]({stem}.ipynb)", "", question, ""]
        if (SOURCE / "gallery" / f"{stem}.png").exists():
            lines += [
                f"```{{image}} {stem}.png",
                f":alt: A picture of {title}",
                ":width: 420px",
                f":target: {stem}.html",
                "```",
                "",
            ]
    return "\n".join([*lines, "```{toctree}", ":hidden:", "", *(stem for stem, _, _ in titles), "```", ""])


def schema_page() -> Iterator[str]:
    """Write every key of a scenario file, from the JSON Schema."""
    schema = json.loads((HERE / "scenario.schema.json").read_text(encoding="utf-8"))
    yield "# Keys of a scenario"
    yield ""
    yield "Generated from the [JSON Schema](path:../extra/scenario.schema.json), which `lambdasim schema` prints."
    yield "Where it lies beside a scenario, editors complete keys and mark faults if it begins with:"
    yield ""
    yield "```yaml\n# yaml-language-server: $schema=scenario.schema.json\n```"
    yield ""
    yield "Times are text such as `30s`, `15min`, `1.5h` or `7d`; the names of other keys end with their unit.\n"
    examples = key_examples(schema)
    yield from _table_of(WHOLE, schema, examples)
    for name, definition in sorted(schema["$defs"].items()):
        yield from _table_of(name, definition, examples)


def _table_of(
    name: str, definition: dict[str, Any], examples: Mapping[tuple[str, str], str]
) -> Iterator[str]:
    yield f"\n## {name}\n"
    if text := definition.get("description"):
        yield f"{_cell(text)}\n"
    if "enum" in definition:
        yield f"One of: {', '.join(f'`{one}`' for one in definition['enum'])}.\n"
    properties = definition.get("properties")
    if properties:
        required = set(definition.get("required", ()))
        yield "| key | meaning | type and bounds | unit | default | example |\n|---|---|---|---|---|---|"
        for key, about in properties.items():
            example = examples.get((name, key), "")
            cells = (
                _cell(about.get("description", "")),
                _kind(about),
                _unit(key, about),
                _default(about, key in required),
                f"`{example}`".replace("|", "\\|") if example else "",
            )
            yield f"| `{key}` | {' | '.join(cells)} |"
        yield ""


def _unit(key: str, about: dict[str, Any]) -> str:
    """Give the unit that a description has in brackets, or that a key's name ends with."""
    said = _IN_BRACKETS.search(about.get("description", ""))
    ending = _ENDING.search(key)
    if said:
        return said[1]
    if ending:
        return _UNITS[ending[1]]
    return "time" if _TIME in json.dumps(about, ensure_ascii=False) else ""


def _default(about: dict[str, Any], is_required: bool) -> str:
    """Write a default; objects have theirs in their own table."""
    value = about.get("default")
    if is_required:
        return "required"
    if value is None or isinstance(value, dict) or value == []:
        return ""
    return f"`{_cell(json.dumps(value))}`"


def _kind(about: dict[str, Any]) -> str:
    if "$ref" in about:
        name = about["$ref"].rsplit("/", maxsplit=1)[-1]
        return f"[{name}](#{name.lower()})"
    for join in ("anyOf", "oneOf", "allOf"):
        if join in about:
            kinds = dict.fromkeys(_kind(one) for one in about[join])
            return " or ".join(kind for kind in kinds if kind != "null")
    if "const" in about:
        return f"`{about['const']}`"
    if about.get("type") == "array":
        items = about.get("items") or {}
        return f"list of {_kind(items)}" if items else "list"
    if isinstance(about.get("additionalProperties"), dict) and about.get("type") == "object":
        return f"mapping to {_kind(about['additionalProperties'])}"
    bounds = [
        f"{sign} {about[key]}"
        for key, sign in (
            ("minimum", "≥"),
            ("exclusiveMinimum", ">"),
            ("maximum", "≤"),
            ("exclusiveMaximum", "<"),
        )
        if key in about
    ]
    kind = about.get("type", "any")
    return " ".join([kind if isinstance(kind, str) else " or ".join(kind), *bounds])


def _cell(text: object) -> str:
    return (
        " ".join(str(text).split())
        .replace("|", "\\|")
        .replace("<", "&lt;")
        .replace("``", "`")
        .replace("$", "\\$")
    )


def command_page() -> Iterator[str]:
    """Write every command with its arguments and options, as the program has them."""
    program: Any = typer.main.get_command(app)
    yield "# Commands"
    yield "\nGenerated from the program; `lambdasim COMMAND -h` prints the same.\n"
    yield "```{raw} html\n<style>td:first-child code { white-space: nowrap }</style>\n```"
    for heading, names in ORDER.items():
        yield f"\n## {heading}\n"
        for name in names:
            yield from _command(name, program.commands[name])


def _command(name: str, command: Any) -> Iterator[str]:
    if hasattr(command, "commands"):
        for part, inner in command.commands.items():
            yield from _command(f"{name} {part}", inner)
        return
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    shown = " ".join(one.name.upper() if one.required else f"[{one.name.upper()}]" for one in arguments)
    yield f"\n### lambdasim {name}\n"
    yield f"```text\nlambdasim {name} [OPTIONS] {shown}\n```\n"
    yield f"{_cell(command.help or '')}\n"
    pages = [f"[{title}](../{path})" for path, title in pages_of(name)]
    yield f"How to: {', '.join(pages)}.\n"
    yield "| argument or option | meaning |\n|---|---|"
    for param in command.params:
        if param.param_type_name == "argument":
            names = f"`{(param.name or '').upper()}`"
        else:
            names = ", ".join(f"`{one}`" for one in (*param.opts, *param.secondary_opts))
        default = param.default
        is_shown = (
            default is not None
            and not callable(default)
            and default not in (False, "", ())
            and "Sentinel" not in type(default).__name__
        )
        meaning = _cell(getattr(param, "help", "") or "")
        if is_shown and str(default) != "Sentinel.UNSET":
            meaning = f"{meaning} Default: `{default}`."
        yield f"| {names} | {meaning} |"
    yield ""


def pages_of(command: str) -> list[tuple[str, str]]:
    """Find the pages that show a command, the how-tos first: each with its path and title."""
    said = command.removesuffix(" price")  # what `bill` does where no part is named
    shown = re.compile(rf"lambdasim {re.escape(said)}(?![\w-])")
    found = []
    for page in (HERE / "tutorial.md", *sorted((HERE / "howto").glob("*.md")), *sorted(HERE.glob("*.md"))):
        text = page.read_text(encoding="utf-8")
        pair = (page.relative_to(HERE).as_posix(), text.split("\n", 1)[0].lstrip("# "))
        if page.name not in _NO_HOW_TO and shown.search(text) and pair not in found:
            found.append(pair)
    return found[:3]


def python_page() -> Iterator[str]:
    """Write every public name with its docstring."""
    yield "# Python"
    yield "\nEvery public name, from its docstring. [Driving lambdasim from a script](../api.md) has examples of most.\n"
    for module, names in (
        ("lambdasim", ls.__all__),
        ("lambdasim.finance", ls.finance.__all__),
        ("lambdasim.plots", ls.plots.__all__),
    ):
        yield f"\n## {module}\n"
        home: Any = sys.modules[module]
        for name in sorted(names):
            found = getattr(home, name)
            if type(found).__name__ == "module" or name.startswith("__"):
                continue
            kind = "autoclass" if isinstance(found, type) else "autofunction" if callable(found) else None
            if kind is not None:
                members = "   :members:" if kind == "autoclass" else ""
                yield f"```{{eval-rst}}\n.. {kind}:: {module}.{name}\n{members}\n```\n"


def main() -> int:
    """Build; 0 where nothing was warned of."""
    from sphinx.cmd.build import build_main

    try:
        assembled()
    except CommandFailedError as failed:
        sys.stderr.write(f"{failed}\n")
        return 1
    shutil.rmtree(TARGET, ignore_errors=True)
    return build_main(
        [
            "-q",
            "-W",
            "--keep-going",
            "-j",
            "1",
            "-b",
            "html",
            "-d",
            str(SOURCE / ".doctrees"),
            str(SOURCE),
            str(TARGET),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
