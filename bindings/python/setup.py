"""What pyproject.toml cannot say: the wheel is for any Python 3, but for one platform only, and carries the library."""

import sys
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel

PACKAGE = Path(__file__).resolve().parent / "chromesock"
if not all((PACKAGE / part).exists() for part in ("_abi.py", "lib/libchromesock.so")):
    sys.exit("the shared library is not in the package yet: run `make bindings` in the repository first")


class WithLibrary(Distribution):
    def has_ext_modules(self):
        return True


class PlatformWheel(bdist_wheel):
    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


setup(distclass=WithLibrary, cmdclass={"bdist_wheel": PlatformWheel})
