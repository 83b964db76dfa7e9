"""Orders as the shop keeps them."""

import json
import sqlite3
from pathlib import Path


class OrderStore:
    """Reads and writes the orders table."""

    COLUMNS = ("id", "customer", "status", "total_cents", "placed_at")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def find(self, customer, status=None, since=None, limit=50):
        """Return a customer's orders, the newest first."""
        query = f"SELECT {', '.join(self.COLUMNS)} FROM orders WHERE customer = ?"
        parameters = [customer]
        if status is not None:
            query += " AND status = ?"
            parameters.append(status)
        if since is not None:
            query += " AND placed_at >= ?"
            parameters.append(since.isoformat())
        query += " ORDER BY placed_at DESC LIMIT ?"
        parameters.append(limit)
        rows = self.connection.execute(query, parameters).fetchall()
        return [dict(zip(self.COLUMNS, row)) for row in rows]

    def add_from_file(self, path: Path) -> int:
        """Store the orders of a partner's export and return how many there were."""
        try:
            orders = json.loads(path.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise ValueError(f"{path} is not a partner export: {error}") from error
        with self.connection:
            for order in orders:
                if order["total_cents"] < 0:
                    raise ValueError(f"order {order['id']} has a negative total")
                self.connection.execute(
                    "INSERT INTO orders (id, customer, status, total_cents, placed_at) "
                    "VALUES (?, ?, ?, ?, ?)",
                    [order[column] for column in self.COLUMNS],
                )
        return len(orders)
