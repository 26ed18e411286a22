"""Says how big the download is where pip would bring the CUDA build of PyTorch: `downloads.py PIP_REPORT`."""

import json
import sys
import threading
import urllib.request
from pathlib import Path
from urllib.parse import unquote, urlsplit

GIGABYTE = 1e9
#: for a person to stop it; nobody waits where nobody watches
PATIENCE_SECONDS = 10


def size_of(url: str) -> int:
    """Bytes behind an address; 0 where that cannot be found out."""
    parts = urlsplit(url)
    try:
        if parts.scheme == "file":
            return Path(unquote(parts.path)).stat().st_size
        with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=20) as answer:  # noqa: S310 -- pip's own address
            return int(answer.headers.get("Content-Length", 0))
    except (OSError, ValueError):
        return 0


def main() -> None:
    """Print a warning, or nothing where no CUDA package would come."""
    report = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    packages = {entry["metadata"]["name"].lower(): entry["download_info"]["url"] for entry in report["install"]}
    cuda = [name for name in packages if name.startswith(("nvidia-", "cuda-"))]
    if not cuda:
        return
    size = sum(size_of(packages[name]) for name in [*cuda, "torch", "triton"] if name in packages)
    how_big = f"{size / GIGABYTE:.1f} GB" if size else "several GB"
    sys.stderr.write(
        f"pip brings the CUDA build of PyTorch with {len(cuda)} further packages: {how_big}. A CPU build is enough and"
        " much smaller: stop now (Ctrl-C), set pip's extra-index-url (PIP_EXTRA_INDEX_URL) to the CPU index that PyTorch's"
        " install page names (https://pytorch.org/get-started/locally/), and call again.\n"
    )
    if sys.stdin.isatty():
        sys.stderr.write(f"Going on in {PATIENCE_SECONDS} s.\n")
        threading.Event().wait(PATIENCE_SECONDS)


if __name__ == "__main__":
    main()
