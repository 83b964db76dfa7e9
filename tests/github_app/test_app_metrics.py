"""What is counted, and how it is shown."""

import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from github_app.metrics import Acknowledgements, Counter, Snapshot, Tally, metrics_page


def test_counts_of_several_threads_add_up_and_are_taken_once() -> None:
    tally = Tally()

    def count() -> None:
        for _ in range(1000):
            tally.add(Counter.POSTED)
            tally.add(Counter.WITHHELD, 2, "unsure")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tally.take() == {(Counter.POSTED, ""): 4000, (Counter.WITHHELD, "unsure"): 8000}
    assert tally.take() == {}


@pytest.mark.parametrize(("counter", "label"), [(Counter.POSTED, "x"), (Counter.WITHHELD, "")])
def test_a_label_too_many_or_too_few_is_a_mistake(counter: Counter, label: str) -> None:
    with pytest.raises(ValueError, match="label"):
        Tally().add(counter, label=label)


def test_the_page_shows_every_counter_as_prometheus_reads_it() -> None:
    counts = {
        (counter, 'a "label"\n\\' if counter.value.label else ""): float(number)
        for number, counter in enumerate(Counter, start=1)
    }
    page = metrics_page(Acknowledgements(), Snapshot(counts=counts)).decode()
    families = {each.name: each for each in text_string_to_metric_families(page)}
    for number, counter in enumerate(Counter, start=1):
        (sample,) = families[f"themis_{counter.value.name}"].samples
        assert sample.value == number
        label = counter.value.label
        assert sample.labels == ({label: 'a "label"\n\\'} if label else {})


def test_names_are_told_apart() -> None:
    names = [counter.value.name for counter in Counter]
    assert len(names) == len(set(names))
