#!/usr/bin/env python3
"""What is wrong with stored contents, a line each, and "checked" at the end: stored_files.py DIR DATABASE WITHOUT_PATH

Each file in DIR has the SHA-256 that is its name, lies in the folder of its first two digits and is readable by its owner alone;
nothing else is in DIR. Each row of the view files that has a path has its file there, with its size and its digest; WITHOUT_PATH
is how many rows may have a digest and no path.
"""
import hashlib
import os
import sqlite3
import stat
import sys


def of_directory(directory):
    for folder, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(folder, name)
            mode = os.lstat(path).st_mode
            if not stat.S_ISREG(mode):
                yield f"{path} is no file"
            elif name.startswith(".partial"):
                yield f"a temporary file is left: {path}"
            else:
                with open(path, "rb") as file:
                    if hashlib.sha256(file.read()).hexdigest() != name:
                        yield f"{path} holds something else"
                if stat.S_IMODE(mode) != 0o600:
                    yield f"{path} may be read by others"
                if os.path.basename(folder) != name[:2]:
                    yield f"{path} is in the wrong folder"


def of_rows(database, without_path):
    rows = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    for path, size, sha256 in rows.execute("SELECT stored_path, size, sha256 FROM files WHERE stored_path IS NOT NULL"):
        if not os.path.isfile(path):
            yield f"{path} of a row is not there"
        elif size is not None and os.path.getsize(path) != size:
            yield f"{path} has not {size} bytes"
        if sha256 is not None and os.path.basename(path) != sha256:
            yield f"{path} is not {sha256}"
    found, = rows.execute("SELECT count(*) FROM files WHERE sha256 IS NOT NULL AND stored_path IS NULL").fetchone()
    if found != without_path:
        yield f"{found} whole files have no path"


def main():
    directory, database, without_path = sys.argv[1:]
    for complaint in [*of_directory(directory), *of_rows(database, int(without_path))]:
        print(complaint)
    print("checked")


if __name__ == "__main__":
    main()
