"""Figures for the monthly report."""


def top_customers(orders, count=10):
    """Return the customers who spent most, with what they spent in cents, the largest sum first."""
    customers = []
    for order in orders:
        if order["customer"] not in customers:
            customers.append(order["customer"])
    totals = []
    for customer in customers:
        spent = 0
        for order in orders:
            if order["customer"] == customer and order["status"] != "cancelled":
                spent = spent + order["total_cents"]
        totals.append((customer, spent))
    ranking = []
    while totals and len(ranking) < count:
        best = totals[0]
        for entry in totals:
            if entry[1] > best[1]:
                best = entry
        totals.remove(best)
        ranking.append(best)
    return ranking


def average_order(orders):
    """Return the mean total of the orders that were not cancelled, in cents, or None if there are none."""
    totals = [order["total_cents"] for order in orders if order["status"] != "cancelled"]
    if not totals:
        return None
    return sum(totals) / len(totals)
