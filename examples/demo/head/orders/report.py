"""Figures for the monthly report."""


def top_customers(orders, count=10):
    """Return the customers who spent most, with what they spent in cents, the largest sum first."""
    spent = {}
    for order in orders:
        customer = order["customer"]
        spent.setdefault(customer, 0)
        if order["status"] != "cancelled":
            spent[customer] += order["total_cents"]
    ranking = sorted(spent.items(), key=lambda entry: entry[1], reverse=True)
    return ranking[:count]


def average_order(orders):
    """Return the mean total of the orders that were not cancelled, in cents, or None if there are none."""
    totals = [order["total_cents"] for order in orders if order["status"] != "cancelled"]
    if not totals:
        return None
    return sum(totals) / len(totals)
