"""`themis-lsp` with the scorer of test sessions; everything else is the product's."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

if __name__ == "__main__":
    from lsp_scorer import load_scorer

    from lsp_server.log import log_to_stderr
    from lsp_server.server import create_server

    level = sys.argv[1] if len(sys.argv) > 1 else "warning"
    log_to_stderr(level)
    create_server(load_scorer, log_level=level).start_io()
