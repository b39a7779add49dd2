"""Data files are what the registry says, and none is unlisted."""

import hashlib
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_files_are_as_registered() -> None:
    listed = tomllib.loads((ROOT / "data" / "registry.toml").read_text(encoding="utf-8"))["file"]
    for entry in listed:
        content = (ROOT / entry["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"], entry["path"]
        assert entry["licence"]
    known = {entry["path"] for entry in listed}
    present = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "data").rglob("*.*")
        if path.suffix in {".csv", ".json"}
    }
    assert present <= known
