"""Gradio is imported whole, and writes nothing into the installation."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.web.gradio_import import import_gradio

_COMPONENT = "from gradio.components import Textbox\n\n\nclass Line(Textbox):\n    pass\n"


def test_no_stub_is_written_beside_a_component(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_component.py").write_text(_COMPONENT, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    import_gradio()
    assert importlib.import_module("own_component").Line(label="one").label == "one"
    assert not (tmp_path / "own_component.pyi").exists()


def test_it_is_the_gradio_that_everyone_imports() -> None:
    import_gradio()
    import gradio

    assert sys.modules["gradio"] is gradio
    import_gradio()
    assert sys.modules["gradio"] is gradio


def test_where_it_cannot_be_imported_it_is_said_as_always(tmp_path: Path) -> None:
    (tmp_path / "gradio").mkdir()
    (tmp_path / "gradio" / "__init__.py").write_text("import not_installed\n", encoding="utf-8")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from assistant.web.gradio_import import import_gradio\n"
        "for _ in range(2):\n"
        "    try: import_gradio()\n"
        "    except ModuleNotFoundError as error: print(error.name)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["not_installed", "not_installed"]
