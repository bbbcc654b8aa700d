"""Makes what follows from the library's own table and header.

    generate.py surface           prints chromesock/_surface.py, which is committed and tested for drift
    generate.py stage LIBRARY     puts the built library and its declarations into the package
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import List

from surface import surface

HERE = Path(__file__).resolve().parent
TABLE = HERE.parent / "api.json"
HEADER = HERE.parent.parent / "include" / "chromesock.h"
PACKAGE = HERE / "chromesock"


def declarations(header: str) -> str:
    """The header without what cffi's parser does not read: comments, and conditions around C++ and C23."""
    header = re.sub(r"/\*.*?\*/|//[^\n]*", "", header, flags=re.S)
    kept: List[str] = []
    conditions: List[bool] = []
    for line in header.splitlines():
        if line.startswith("#if"):
            # The include guard, and the branch of C99.
            conditions.append(line.startswith("#ifndef"))
        elif line.startswith("#else"):
            conditions[-1] = not conditions[-1]
        elif line.startswith("#endif"):
            conditions.pop()
        elif all(conditions) and not re.match(r"#include|#define CHROMESOCK_H$", line):
            kept.append(line)
    # What calls are told apart by goes through as it is: a number.
    return re.sub(r"\bvoid \*(user_data)\b", r"uintptr_t \1", "\n".join(kept))


def stage(library: str) -> None:
    """Out of line, so that neither a compiler nor a parser is needed where the package is used."""
    from cffi import FFI

    (PACKAGE / "lib").mkdir(exist_ok=True)
    # Put in place at once: programs may be running with the one before.
    copy = PACKAGE / "lib" / "libchromesock.so.new"
    shutil.copyfile(library, copy)
    copy.replace(PACKAGE / "lib" / "libchromesock.so")
    builder = FFI()
    builder.cdef(declarations(HEADER.read_text()))
    builder.set_source("chromesock._abi", None)
    builder.emit_python_code(str(PACKAGE / "_abi.py"))


def main() -> None:
    if sys.argv[1:] == ["surface"]:
        sys.stdout.write(surface(json.loads(TABLE.read_text())))
    elif sys.argv[1:2] == ["stage"] and len(sys.argv) == 3:
        stage(sys.argv[2])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
