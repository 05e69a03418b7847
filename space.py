"""Check the tree as a Hugging Face Space would take it; print how to publish it.

``make space`` runs it. It reads files that git knows and sends nothing.
"""

from __future__ import annotations

import fnmatch
import importlib.metadata
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import SpaceHardware

from trainer import base_models

ROOT = Path(__file__).parent
MAX_FILE_BYTES = 10_000_000  # a larger one has to be in Git LFS
MAX_TREE_BYTES = 1_000_000_000  # of a Space's repository
MAX_DESCRIPTION_LENGTH = 60
COLOURS = "red yellow green blue indigo purple pink gray".split()
SCOPES = (
    "email read-billing read-memberships read-repos gated-repos contribute-repos"
    " write-repos manage-repos read-collections write-collections inference-api jobs"
    " webhooks write-discussions read-endpoints write-endpoints"
).split()
# What the sign-in is for: to push to one's own account, and to know who may write for
# the organisation that owns the Space.
NEEDED_SCOPES = {"contribute-repos", "read-memberships"}
# Of those that our pins run on, what ZeroGPU offers too.
PYTHON = "3.12"
NEEDED = (
    "title emoji colorFrom colorTo sdk sdk_version python_version app_file license"
    " short_description suggested_hardware hf_oauth hf_oauth_scopes preload_from_hub"
    " models datasets tags startup_duration_timeout"
).split()
POINTER = b"version https://git-lfs"  # how one begins
REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+( [\w.,/-]+( [0-9a-f]{40})?)?")
# What may hold a secret, or code that runs when it is read.
FORBIDDEN = (
    ".env* *.pem *.key id_rsa* id_ed25519* *.pkl *.pickle *.bin *.pt *.pth *.ckpt"
    " *.joblib *.dill token"
).split()
SECRETS = re.compile(
    rb"\bhf_[A-Za-z0-9]{30,}|\bgh[pousr]_[A-Za-z0-9]{30,}|\bAKIA[A-Z0-9]{16}\b"
    rb"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)


def front_matter(root: Path) -> dict[str, Any]:
    """Read the front matter of README.md; {} where it has none."""
    text = (root / "README.md").read_text("utf-8")
    parts = text.split("---\n", 2)
    found = yaml.safe_load(parts[1]) if len(parts) == 3 and not parts[0] else {}
    return found if isinstance(found, dict) else {}


def tracked(root: Path) -> list[str]:
    """List the files that git knows, by their paths in the tree."""
    return _git(root, "ls-files", "-z").split("\0")[:-1]


def problems(root: Path) -> Iterator[str]:
    """Yield what a Space would refuse or lack, a line each."""
    files = tracked(root)
    yield from _of_files(root, files)
    yield from _of_front_matter(root, front_matter(root))
    changed = _git(root, "status", "--porcelain").splitlines()
    if changed:
        first, n = changed[0][3:], len(changed)
        yield (
            f"{first} is not committed"
            if n == 1
            else f"{n} files are not committed, {first} for one"
        )


def _of_files(root: Path, files: list[str]) -> Iterator[str]:
    sizes = {name: (root / name).stat().st_size for name in files}
    total = sum(sizes.values())
    if total > MAX_TREE_BYTES:
        yield f"the tree takes {total / 1e6:.0f} MB, more than a Space's repository may"
    for name, size in sizes.items():
        if any(fnmatch.fnmatch(Path(name).name, each) for each in FORBIDDEN):
            yield f"{name}: a file of this kind must not leave"
        if size > MAX_FILE_BYTES:
            rule = _git(root, "check-attr", "filter", "--", name)
            if not rule.strip().endswith(": lfs"):
                yield f"{name}: {size / 1e6:.0f} MB, and not in Git LFS"
        elif (root / name).read_bytes().startswith(POINTER):
            yield f"{name}: a pointer of Git LFS in place of the file"
        elif SECRETS.search((root / name).read_bytes()):
            yield f"{name}: looks as if it held a token or a key"


def _of_front_matter(root: Path, front: Mapping[str, Any]) -> Iterator[str]:
    for key in NEEDED:
        if front.get(key) in (None, "", []):
            yield f"README.md: {key} is missing"
    installed = importlib.metadata.version("gradio")
    pins = (root / "requirements.txt").read_text("utf-8").splitlines()
    description = str(front.get("short_description", ""))
    checks = {
        "sdk is not gradio": front.get("sdk") == "gradio",
        f"sdk_version is not {installed}, which is installed here": (
            front.get("sdk_version") == installed
        ),
        "sdk_version is not what requirements.txt pins": (
            f"gradio=={front.get('sdk_version')}" in pins
        ),
        f'python_version is not the text "{PYTHON}", which ZeroGPU has too': (
            front.get("python_version") == PYTHON
        ),
        "app_file is not there": (root / str(front.get("app_file"))).is_file(),
        f"short_description has more than {MAX_DESCRIPTION_LENGTH} characters": (
            len(description) <= MAX_DESCRIPTION_LENGTH
        ),
        "colorFrom or colorTo is not a colour of the Hub": (
            {front.get("colorFrom"), front.get("colorTo")} <= set(COLOURS)
        ),
        "suggested_hardware is none of the Hub's": (
            front.get("suggested_hardware") in [item.value for item in SpaceHardware]
        ),
        "hf_oauth_scopes has one that the Hub does not know": (
            set(front.get("hf_oauth_scopes") or ()) <= set(SCOPES)
        ),
        f"hf_oauth_scopes lacks one of {', '.join(sorted(NEEDED_SCOPES))}": (
            set(front.get("hf_oauth_scopes") or ()) >= NEEDED_SCOPES
        ),
        "preload_from_hub has what is not OWNER/NAME files": all(
            REPOSITORY.fullmatch(str(each))
            for each in front.get("preload_from_hub") or ()
        ),
    }
    yield from (
        f"README.md: {fault}" for fault, is_right in checks.items() if not is_right
    )
    yield from _of_preloaded(front)


def _of_preloaded(front: Mapping[str, Any]) -> Iterator[str]:
    """Yield the base models that are preloaded at another commit than runs ask for."""
    pinned = {model.id: model.revision for model in base_models.KNOWN if model.revision}
    for each in front.get("preload_from_hub") or ():
        repo_id, _, rest = str(each).partition(" ")
        commit = rest.partition(" ")[2]
        if repo_id in pinned and commit != pinned[repo_id]:
            yield f"README.md: preload_from_hub names {repo_id} without {pinned[repo_id]}"


def command(root: Path, repo_id: str = "OWNER/genrescope") -> list[str]:
    """Return the one command that publishes the tree, without what git ignores."""
    lines = (root / ".gitignore").read_text("utf-8").splitlines()
    excluded = [f"--exclude={_pattern(line)}" for line in lines if line.strip()]
    return ["hf", "upload", repo_id, ".", ".", "--repo-type=space", *excluded]


def _pattern(ignored: str) -> str:
    """Rewrite a line of .gitignore for the Hub's client: "*" crosses folders there."""
    name = ignored.strip().strip("/")
    if "*" in name:
        return name
    return f"{name}/*" if ignored.startswith(("/", ".")) else f"*{name}/*"


def _git(root: Path, *arguments: str) -> str:
    git = ["git", "-C", str(root), *arguments]  # what there is of it on the PATH
    return subprocess.run(git, check=True, capture_output=True, text=True).stdout


def main(arguments: Sequence[str]) -> int:
    """Print what is wrong, or how to publish; return the exit status."""
    if arguments:
        print(f"space.py takes no arguments: {shlex.join(arguments)}", file=sys.stderr)
        return 2
    found = list(problems(ROOT))
    if found:
        print("A Space cannot take this tree:", *found, sep="\n  ")
        return 1
    n_bytes = sum((ROOT / name).stat().st_size for name in tracked(ROOT))
    print(f"A Space can take this tree: {len(tracked(ROOT))} files,", end=" ")
    print(f"{n_bytes / 1e6:.1f} MB. Log in with `hf auth login`, then publish it:\n")
    words = [f"'{word}'" if "*" in word else word for word in command(ROOT)]
    print(" ".join(words))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
