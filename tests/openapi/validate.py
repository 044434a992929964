"""Starts a server, and checks the description of its interface against the OpenAPI standard."""

import json
import subprocess
import sys
import tempfile
import urllib.request

from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing.exceptions import Unresolvable


def described(program: str) -> dict:
    """What a fresh server says of its interface."""
    with tempfile.TemporaryDirectory() as data:
        command = [program, "serve", "--listen", "127.0.0.1:0", "--data", data]
        pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
        with subprocess.Popen(command, stdout=pipe, stderr=nowhere, text=True) as server:
            try:
                url = server.stdout.readline().removeprefix("listening on ").strip()
                with urllib.request.urlopen(f"{url}/openapi.json") as answer:
                    return json.load(answer)
            finally:
                server.terminate()


def main() -> int:
    """Prints what is wrong; answers how that is told to the shell."""
    api = described(sys.argv[1])
    assert api["openapi"].startswith("3.1."), "another version needs another validator"
    wrong = []
    try:
        for error in OpenAPIV31SpecValidator(api).iter_errors():
            where = "/".join(str(part) for part in error.absolute_path)
            wrong.append(f"{where}: {error.message}")
    except Unresolvable as error:
        wrong.append(f"it refers to {error.ref}, which is not there")
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(api['paths'])} paths, {len(wrong)} errors")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
