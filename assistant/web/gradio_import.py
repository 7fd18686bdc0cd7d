"""Gradio, imported without what it does for authors of components."""

from __future__ import annotations

import contextlib
import sys
from importlib.util import find_spec, module_from_spec
from threading import Lock

_ONE_AT_A_TIME = Lock()


def import_gradio() -> None:
    """Import Gradio, unless it is imported already, without rewriting its type stubs.

    For each of its eighty components, importing Gradio parses the component's source and the stub file
    beside it, and writes that anew if it differs: two fifths of the time of the import, and a write into
    the installation, which another process may be reading. Where this cannot be switched off, Gradio is
    imported as it is.
    """
    with _ONE_AT_A_TIME:
        spec = None if "gradio" in sys.modules else find_spec("gradio")
        if spec is None or spec.loader is None:
            return
        # Its modules can be imported before it is run itself.
        package = sys.modules["gradio"] = module_from_spec(spec)
        try:
            with contextlib.suppress(ImportError, AttributeError):
                from gradio import component_meta

                if callable(component_meta.create_or_modify_pyi):
                    vars(component_meta).update(create_or_modify_pyi=_leave_as_it_is)
            spec.loader.exec_module(package)
        except BaseException:
            del sys.modules["gradio"]
            raise


def _leave_as_it_is(*_: object) -> None:
    """In place of writing the stubs."""
