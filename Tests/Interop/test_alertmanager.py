"""A Prometheus Alertmanager, as its webhook receiver sends (payload version 4)."""

import copy
import json

from curl import JSONStream, curl

WEBHOOK = {
    "version": "4",
    "groupKey": '{}/{severity="critical"}:{alertname="InstanceDown"}',
    "truncatedAlerts": 0,
    "status": "firing",
    "receiver": "crier",
    "groupLabels": {"alertname": "InstanceDown"},
    "commonLabels": {"alertname": "InstanceDown", "job": "node", "severity": "critical"},
    "commonAnnotations": {"runbook_url": "https://runbooks.example.com/instance-down"},
    "externalURL": "https://alertmanager.example.com",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "InstanceDown", "instance": "syd-1:9100", "job": "node", "severity": "critical"},
            "annotations": {
                "summary": "Instance syd-1:9100 is down",
                "description": "syd-1:9100 of job node has been down for more than 5 minutes.",
                "runbook_url": "https://runbooks.example.com/instance-down",
            },
            "startsAt": "2026-01-05T10:11:12.345Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "https://prometheus.example.com/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
            "fingerprint": "a1b2c3d4e5f60718",
        },
        {
            "status": "firing",
            "labels": {"alertname": "InstanceDown", "instance": "fra-2:9100", "job": "node", "severity": "critical"},
            "annotations": {"summary": "Instance fra-2:9100 is down"},
            "startsAt": "2026-01-05T10:11:42.345Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "https://prometheus.example.com/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
            "fingerprint": "b1b2c3d4e5f60718",
        },
        {
            "status": "resolved",
            "labels": {"alertname": "InstanceDown", "instance": "gru-3:9100", "job": "node", "severity": "critical"},
            "annotations": {"summary": "Instance gru-3:9100 is down"},
            "startsAt": "2026-01-05T09:00:00Z",
            "endsAt": "2026-01-05T10:10:00Z",
            "generatorURL": "https://prometheus.example.com/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
            "fingerprint": "c1b2c3d4e5f60718",
        },
    ],
}


def post(server, topic, payload):
    return curl(
        "-H", "Content-Type: application/json",
        "-A", "Alertmanager/0.27.0",
        f"{server.url}/{topic}/alertmanager",
        body=json.dumps(payload),
    )  # fmt: skip


def test_each_entry_becomes_an_alert(server, topic):
    with JSONStream(f"{server.url}/{topic}/json") as stream:
        answer = post(server, topic, WEBHOOK)
        assert answer.status == 200, answer.body
        alerts = stream.messages(3)
    assert answer.json == alerts
    for alert, entry in zip(alerts, WEBHOOK["alerts"], strict=True):
        assert alert["topic"] == topic
        text = f"{alert.get('title', '')} {alert['message']}"
        assert entry["labels"]["instance"] in text
        assert "InstanceDown" in text or "is down" in text
    firing, resolved = alerts[0], alerts[2]
    assert firing.get("priority", 3) > resolved.get("priority", 3) or firing.get("tags") != resolved.get("tags"), (
        "firing and resolved can be told apart"
    )


def test_a_retry_raises_nothing_and_a_change_does(server, topic):
    first = post(server, topic, WEBHOOK).json
    again = post(server, topic, WEBHOOK)
    assert again.status == 200
    assert [alert["id"] for alert in again.json] == [alert["id"] for alert in first]
    resolved = copy.deepcopy(WEBHOOK)
    resolved["status"] = "resolved"
    for entry in resolved["alerts"]:
        entry["status"] = "resolved"
        entry["endsAt"] = "2026-01-05T10:30:00Z"
    changed = post(server, topic, resolved)
    assert changed.status == 200
    held = [event for event in curl(f"{server.url}/{topic}/json?poll=1").lines if event["event"] == "message"]
    assert [alert["id"] for alert in held] == [alert["id"] for alert in first + changed.json]


def test_what_is_no_webhook_is_refused(server, topic):
    for payload in ({}, {"version": "4", "alerts": {}}, {"version": "4", "alerts": ["x"]}, []):
        assert post(server, topic, payload).status == 400, payload
    assert not [event for event in curl(f"{server.url}/{topic}/json?poll=1").lines if event["event"] == "message"]
