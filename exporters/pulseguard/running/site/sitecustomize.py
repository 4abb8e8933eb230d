"""What a Python that `pulseguard run` has started does first: it waits for a client library.

This may be any Python 3, with or without PulseGuard: nothing of ours is imported before it is
needed, nothing at all that every Python has not imported already or needs little for, and nothing
here may fail.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  # pathlib is no small one


class ClientLibraries:
    """Sees the import of a client library come, and begins to measure it; finds nothing itself."""

    def __init__(self, folder: str, names: "Sequence[str]") -> None:
        self.folder = folder
        self.awaited = set(names)

    def find_spec(
        self,
        fullname: str,
        path: "Sequence[str] | None" = None,
        target: "ModuleType | None" = None,
    ) -> "ModuleSpec | None":
        if fullname not in self.awaited or self.find_elsewhere(fullname, path, target) is None:
            return None
        self.awaited.discard(fullname)
        if not self.awaited:
            sys.meta_path.remove(self)
        try:
            from pulseguard.running.inside import begin
        except Exception:  # whatever is wrong with that PulseGuard, the program goes on
            leave_word(self.folder, "without-pulseguard")
        else:
            begin(fullname)
        # Not None: the list of finders has changed under whoever goes through it.
        return self.find_elsewhere(fullname, path, target)

    def find_elsewhere(
        self, fullname: str, path: "Sequence[str] | None", target: "ModuleType | None"
    ) -> "ModuleSpec | None":
        for finder in list(sys.meta_path):
            find_spec = None if finder is self else getattr(finder, "find_spec", None)
            spec: ModuleSpec | None = find_spec and find_spec(fullname, path, target)
            if spec is not None:
                return spec
        return None


def leave_word(folder: str, name: str) -> None:
    """Tell whoever runs the program of this Python; the first one does."""
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        descriptor = os.open(os.path.join(folder, name), flags, 0o600)  # noqa: PTH118
        os.write(descriptor, sys.executable.encode("utf-8", "replace"))
        os.close(descriptor)
    except OSError:
        pass  # somebody has told it before, or nobody is left to be told


def wait_for_libraries() -> None:
    """Watch the imports from now on, in a process of `pulseguard run`."""
    import json

    try:
        run = json.loads(os.environ["PULSEGUARD_RUN"])
        libraries = ClientLibraries(run["folder"], run["libraries"])
    except (KeyError, ValueError, TypeError):
        return  # somebody has changed the variables: there is nothing to do
    leave_word(libraries.folder, "python")
    sys.meta_path.insert(0, libraries)


def call_on() -> None:
    """Run the sitecustomize that there would be without this one."""
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    sys.path[:] = [each for each in sys.path if os.path.abspath(each) != HERE]  # noqa: PTH100
    spec = PathFinder.find_spec("sitecustomize", sys.path)
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


wait_for_libraries()
call_on()
