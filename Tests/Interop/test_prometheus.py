"""/metrics, read by Prometheus' own parser."""

from prometheus_client.parser import text_string_to_metric_families

from curl import JSONStream, curl


def scrape(server) -> tuple[list, dict]:
    """The metric families, and every sample by name and labels."""
    answer = curl("-H", "Accept: text/plain;version=0.0.4", f"{server.url}/metrics")
    assert answer.status == 200
    assert answer.header("content-type").startswith("text/plain")
    assert "version=0.0.4" in answer.header("content-type")
    families = list(text_string_to_metric_families(answer.body.decode()))
    samples = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in samples, f"{key} is there twice"
            samples[key] = sample.value
    return families, samples


def test_every_family_has_a_type_and_a_help(server):
    families, samples = scrape(server)
    assert samples
    names = [family.name for family in families]
    assert len(names) == len(set(names)), "a family's samples stand together, under one TYPE line"
    for family in families:
        assert family.type in ("counter", "gauge", "histogram", "summary"), family
        assert family.documentation, f"{family.name} has no HELP"


def test_histograms_are_cumulative_and_end_at_infinity(server, topic):
    curl(f"{server.url}/{topic}", body="x")
    families, _ = scrape(server)
    for family in families:
        if family.type != "histogram":
            continue
        series: dict = {}
        counts = {}
        for sample in family.samples:
            labels = {name: value for name, value in sample.labels.items() if name != "le"}
            key = tuple(sorted(labels.items()))
            if sample.name.endswith("_bucket"):
                series.setdefault(key, []).append((float(sample.labels["le"]), sample.value))
            elif sample.name.endswith("_count"):
                counts[key] = sample.value
        for key, buckets in series.items():
            assert [bound for bound, _ in buckets] == sorted(bound for bound, _ in buckets)
            values = [value for _, value in buckets]
            assert values == sorted(values)
            assert buckets[-1] == (float("inf"), counts[key])


def test_counters_and_gauges_follow_what_happens(server, topic):
    _, before = scrape(server)
    with JSONStream(f"{server.url}/{topic}/json") as stream:
        for number in range(10):
            curl(f"{server.url}/{topic}", body=str(number))
        stream.messages(10)
        families, after = scrape(server)
    types = {sample.name: family.type for family in families for sample in family.samples}
    grown = {name for (name, labels), value in after.items() if value >= before.get((name, labels), 0) + 10}
    assert any(types[name] == "counter" for name in grown), "no counter counted ten alerts"
    for (name, labels), value in before.items():
        if types.get(name) == "counter":
            assert after[(name, labels)] >= value, f"the counter {name} went back"
