"""Metrics as Prometheus scrapes them."""

from __future__ import annotations

from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

# Values by metric and label values.
Samples = dict[tuple[str, tuple[str, ...]], float]


def scrape_metrics(client: FlaskClient, headers: dict[str, str]) -> Samples:
    """Return the samples of `/metrics`."""
    response = client.get("/metrics", headers=headers)
    assert (response.status_code, response.content_type.split(";")[0]) == (200, "text/plain")
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }
