"""The web side's part in a process of its own: DATABASE_URL. Reads a delivery a line, answers its
GUID once it is on disk.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from concurrent.futures import Future

from github_app.database import open_database
from github_app.encoding import task_from_json
from github_app.inbox import Inbox


def main() -> None:
    inbox = Inbox(open_database(sys.argv[1]), time.time)
    lock = threading.Lock()
    for line in sys.stdin:
        guid, task = json.loads(line)

        def answer(kept: Future[bool], guid: str = guid) -> None:
            if (error := kept.exception()) is not None:
                sys.stderr.write(f"{error}\n")
            else:
                with lock:
                    sys.stdout.write(f"{guid}\n")
                    sys.stdout.flush()

        inbox.put(guid, task_from_json(task)).add_done_callback(answer)
    inbox.close()


if __name__ == "__main__":
    main()
