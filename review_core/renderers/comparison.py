"""A Comparison as JSON, as `schemas/ranking.schema.json` describes it. Candidates go by name."""

from __future__ import annotations

from typing import Any

from review_core.alternatives import ComparedFunction, Comparison
from review_core.ranking import Ranked

SCHEMA = "urn:themis-review:ranking:1"


def comparison_to_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as a document. The same input gives the same document."""
    names = comparison.candidates
    return {
        "schema": SCHEMA,
        "bundle": {"name": comparison.bundle.name, "sha256": comparison.bundle.sha256},
        "intent": comparison.intent or None,
        "base": names[0],
        "candidates": list(names[1:]),
        "orders": [
            {
                "axes": [axis.value for axis in order.axes],
                "groups": [[names[at] for at in group] for group in order.groups],
                "against_base": {
                    name: {
                        "better": counts.better,
                        "worse": counts.worse,
                        "unsure": counts.unsure,
                    }
                    for name, counts in zip(names[1:], order.counts[1:], strict=True)
                },
            }
            for order in comparison.orders
        ],
        "trade_offs": {
            name: {
                "raises": [axis.value for axis in each.raises],
                "lowers": [axis.value for axis in each.lowers],
                "beaten_by": [names[at] for at in each.beaten_by],
                "best": each.is_best,
            }
            for name, each in zip(names, comparison.trade_offs, strict=True)
        },
        "functions": [_function(each, names) for each in comparison.functions],
        "silent": [axis.value for axis in comparison.silent],
        "left_out": [
            {"candidate": each.candidate, "what": each.what, "reason": each.reason}
            for each in comparison.left_out
        ],
    }


def _function(function: ComparedFunction, names: tuple[str, ...]) -> dict[str, Any]:
    lines = function.base.lines
    return {
        "path": function.path,
        "language": function.language,
        "name": function.base.name,
        "base_lines": [lines.start, lines.end],
        "axes": {each.axis.value: _axis(each, names) for each in function.ranking.axes},
        "notes": {names[at]: note for at, note in sorted(function.notes.items())},
    }


def _axis(ranked: Ranked, names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "criterion": ranked.criterion,
        "groups": [[names[at] for at in group] for group in ranked.groups],
        "better": [[names[high], names[low]] for high, low in sorted(ranked.better)],
        "preference_to_base": {
            names[at]: round(preference, 3)
            for at, preference in sorted(ranked.against_first.items())
            if at
        },
    }
